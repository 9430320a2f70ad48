import { ConnectionManager, type ManagerEvents, type Socket, type StreamCatalogue } from '../../../../../src/index.ts'
import { boom, Nuisance } from '../menagerie.ts'
import { hostileOptions } from '../options.ts'
import type { Stage } from '../stage.ts'
import { call, type Call } from './call.ts'

const EVENTS: readonly (keyof ManagerEvents)[] = [
  'connectionAdded', 'connectionRemoved', 'userOnline', 'userOffline', 'subscriptionAdded', 'subscriptionRemoved', 'subscriptionChanged',
  'streamActive', 'streamIdle', 'gap', 'error', 'connectionBehind', 'connectionCaughtUp', 'connectionReassigned', 'revoked',
]

const LISTENERS: readonly ((stage: Stage) => (payload: unknown) => unknown)[] = [
  () => () => {},
  ({ dice }) => () => dice.chance(0.02) && boom(),
  ({ dice }) => () => (dice.chance(0.02) ? Promise.reject(new Nuisance('a listener rejects')) : undefined),
  ({ dice }) => () => (dice.chance(0.02) ? { then: boom } : undefined),
  ({ dice, reenter }) => () => dice.chance(0.1) && reenter(),
  ({ keep, dice }) => () => dice.chance(0.05) && keep.ends.items.length > 0 && dice.pick(keep.ends.items)(),
  (stage) => (payload) => stage.expect(Object.isFrozen(payload), 'The payload of an event can be changed'),
]

function on(stage: Stage): unknown {
  const { dice, keep, manager, menagerie } = stage
  const name = dice.chance(0.95) ? dice.pick(EVENTS) : menagerie.value()
  const listener = dice.chance(0.95) ? dice.pick(LISTENERS)(stage) : menagerie.value()
  const end = manager.on(name as keyof ManagerEvents, listener as () => void)
  keep.ends.add(end)?.()
  return end
}

function off({ dice, keep }: Stage): unknown {
  return keep.ends.items.length > 0 ? dice.pick(keep.ends.items)() : undefined
}

/** A manager with options that somebody may give by mistake; where it is accepted, it is used and ended at once. */
function construct(stage: Stage): unknown {
  const { dice, menagerie, setting } = stage
  const manager = new ConnectionManager<Socket, StreamCatalogue>(hostileOptions(setting, dice, menagerie) as never)
  stage.expect(!manager.closed && manager.connectionCount === 0, 'A new manager is not empty')
  return manager
}

function cleanUp(stage: Stage): unknown {
  const { clock, dice, menagerie, setting } = stage
  const manager = new ConnectionManager<Socket, StreamCatalogue>({ ...setting.options, clock })
  for (const id of ['a', 'b']) manager.addConnection(id, { send() {}, close() {} }, 'u')
  if (dice.chance(0.2)) return manager[Symbol.asyncDispose]()
  const options = dice.pick([
    undefined,
    {},
    { deadlineMs: 0 },
    { deadlineMs: Infinity },
    { deadlineMs: menagerie.value() },
    menagerie.value(),
    Object.defineProperty({}, 'deadlineMs', { get: boom }),
  ])
  return manager.cleanup(options as never)
}

/** Ends the manager of the stage; the calls that follow are refused, until there is a fresh one. */
function end(stage: Stage): unknown {
  const isFirst = !stage.manager.closed
  const report = stage.manager.cleanup({ deadlineMs: stage.dice.pick([0, 50, undefined]) })
  // A later one, from within the first, returns before it has handed on what there was room for.
  if (isFirst) stage.fallSilent()
  stage.expect(stage.manager.closed, 'cleanup() was called, and the manager is not closed')
  return report
}

/** The call that ends the manager. */
export const CLEANUP: Call = call('cleanup', 0.01, end)

/** Managers that begin and end, and whoever listens meanwhile. */
export const lifetimeCalls: readonly Call[] = [
  call('on', 0.4, on),
  call('on: what it returns', 0.3, off),
  call('new ConnectionManager', 0.2, construct),
  call('cleanup (of a manager beside)', 0.1, cleanUp),
  CLEANUP,
]
