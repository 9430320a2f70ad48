import type { ManagerEvents } from '../../src/index.ts'

/** Every event that a manager emits. */
export const EVENT_NAMES = [
  'connectionAdded',
  'connectionRemoved',
  'userOnline',
  'userOffline',
  'subscriptionAdded',
  'subscriptionRemoved',
  'subscriptionChanged',
  'streamActive',
  'streamIdle',
  'gap',
  'error',
] as const satisfies readonly (keyof ManagerEvents)[]
