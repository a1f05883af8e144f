/** What `chrome.runtime.lastError.message` says, where it is no net error's name. */
export const TEXT = {
  notConnected: 'Socket not connected',
  notFound: 'Socket not found',
  notPermitted: 'Does not have permission',
  quota: 'Exceeded write quota.',
} as const;
