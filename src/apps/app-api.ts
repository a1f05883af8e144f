/** What an app is given beside a page's own globals. */
export interface AppApi {
  /** By name: `chrome`, or `browser`. */
  readonly globals: Readonly<Record<string, object>>;
  /** Tells the app that it was installed and launched, as browsers do for what is loaded from a folder. */
  launch(): void;
  /** Tells the app that it is about to be stopped. */
  suspend(): void;
}

/** @param report told what listeners throw */
export type MakeApi = (report: (error: unknown) => void) => AppApi;
