import { Lottery } from '../../lottery.ts'
import type { Call } from './call.ts'
import { connectionCalls } from './connections.ts'
import { deliveryCalls } from './delivery.ts'
import { functionCalls } from './functions.ts'
import { CLEANUP, lifetimeCalls } from './lifetimes.ts'
import { mappingCalls } from './mappings.ts'
import { subscriptionCalls } from './subscriptions.ts'

export { CLEANUP }

/** Every call that there is, each as often as its weight says. */
export const CALLS: Lottery<Call> = new Lottery(
  [connectionCalls, subscriptionCalls, deliveryCalls, mappingCalls, functionCalls, lifetimeCalls].flat().map((call) => [call, call.weight] as const),
)
