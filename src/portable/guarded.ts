/** Runs somebody else's callback. What it throws is reported as uncaught, after what is being done here is done. */
export function guarded(callback: () => void): void {
  try {
    callback();
  } catch (error) {
    process.nextTick(() => {
      throw error;
    });
  }
}
