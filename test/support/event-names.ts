import type { ManagerEvents } from '../../src/index.ts'

const NAMES: Record<keyof ManagerEvents, true> = {
  connectionAdded: true,
  connectionRemoved: true,
  connectionBehind: true,
  connectionCaughtUp: true,
  connectionReassigned: true,
  userOnline: true,
  userOffline: true,
  subscriptionAdded: true,
  subscriptionRemoved: true,
  subscriptionChanged: true,
  revoked: true,
  streamActive: true,
  streamIdle: true,
  gap: true,
  error: true,
}

/** Every event that a manager emits. */
export const EVENT_NAMES = Object.keys(NAMES) as (keyof ManagerEvents)[]
