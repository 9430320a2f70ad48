import { inspect } from 'node:util'
import type { Stage } from '../stage.ts'
import { call, type Call } from './call.ts'

type AnyMapping = ReadonlyMap<string, unknown>

const MAPPINGS = ['activeConnections', 'connectionUsers', 'userConnections', 'userSubscriptions', 'streamSubscriptions'] as const

function mapping({ dice, manager }: Stage): AnyMapping {
  return manager[dice.pick(MAPPINGS)]
}

function key({ dice, manager, menagerie, names }: Stage): unknown {
  if (dice.chance(0.2)) return menagerie.value()
  if (dice.chance(0.2)) return manager.streamSubscriptions.keys().next().value
  return dice.chance(0.5) ? names.connectionId() : names.userId()
}

function get(stage: Stage): unknown {
  const asked = mapping(stage)
  const at = key(stage)
  const value = asked.get(at as string)
  stage.expect(asked.has(at as string) === (value !== undefined), 'get and has of a mapping disagree')
  return value
}

function iterate(stage: Stage): unknown {
  const asked = mapping(stage)
  const counts = [[...asked].length, [...asked.entries()].length, [...asked.keys()].length, [...asked.values()].length]
  stage.expect(counts.every((count) => count === asked.size), 'A mapping has another size than it iterates over')
  stage.expect(inspect(asked, { depth: 0 }).startsWith('Map('), 'console.log does not show a mapping')
  return counts
}

function forEach(stage: Stage): unknown {
  const asked = mapping(stage)
  const visitor = stage.dice.chance(0.1) ? stage.menagerie.value() : undefined
  // What a function does when it is called is its own affair.
  if (visitor !== undefined && typeof visitor !== 'function') return asked.forEach(visitor as never)
  const self = {}
  let visits = 0
  asked.forEach(function (this: unknown, _value, _key, map) {
    if (this !== self || map !== asked) stage.object('forEach calls with another this, or another mapping')
    if (visits++ === 0 && stage.dice.chance(0.05)) stage.reenter()
  }, self)
  return visits
}

function counts({ manager }: Stage): unknown {
  return [manager.connectionCount, manager.userCount, manager.subscriptionCount, manager.streamCount, manager.closed]
}

/** What all of it looks like from outside, as text. */
function fingerprint({ manager }: Stage): string {
  return JSON.stringify([
    [...manager.connectionUsers],
    [...manager.userConnections],
    [...manager.streamSubscriptions],
    Array.from(manager.userSubscriptions, ([userId, held]) => [userId, held.map(({ key: subscription, status }) => `${status} ${subscription}`)]),
  ])
}

/** Each tries to change what it was only to look at. A `TypeError` is the language's answer, and fine. */
const INTRUSIONS: readonly ((stage: Stage) => unknown)[] = [
  (stage) => Map.prototype.set.call(mapping(stage), 'intruder', 'intruder'),
  (stage) => Map.prototype.clear.call(mapping(stage)),
  (stage) => (mapping(stage) as Map<string, unknown>).set('intruder', 'intruder'),
  (stage) => (mapping(stage) as Map<string, unknown>).delete(key(stage) as string),
  (stage) => (mapping(stage) as Map<string, unknown>).clear(),
  (stage) => Object.assign(mapping(stage), { size: 0, get: () => 'intruder' }),
  (stage) => Object.defineProperty(mapping(stage), 'get', { value: () => 'intruder' }),
  (stage) => Object.setPrototypeOf(mapping(stage), Map.prototype),
  (stage) => (mapping(stage).get(key(stage) as string) as unknown[]).push('intruder'),
  (stage) => ((mapping(stage).values().next().value as unknown[]).length = 0),
  (stage) => stage.manager.getUserConnections(stage.dice.pick(stage.names.users)).splice(0),
  (stage) => stage.manager.getUserSubscriptions(stage.dice.pick(stage.names.users)).splice(0),
  (stage) => stage.manager.activeStreams().splice(0),
  (stage) => Object.assign(stage.manager.activeStreams()[0] as object, { streamType: 'intruder' }),
  (stage) => Object.assign(stage.handle() as object, { id: 'intruder', removed: true }),
  (stage) => Object.setPrototypeOf(stage.handle(), null),
  (stage) => Object.assign(stage.dice.pick(stage.keep.views.items), { userId: 'intruder' }),
  (stage) => stage.dice.pick(stage.keep.views.items).createdAt.setTime(0),
  (stage) => Object.assign(stage.dice.pick(stage.keep.views.items).filters as object, { depth: 'intruder' }),
  (stage) => Object.assign(stage.manager, { connectionCount: 7 }),
  (stage) => Object.assign(stage.manager.stats(), { matched: -1 }),
]

function intrude(stage: Stage): unknown {
  const before = fingerprint(stage)
  try {
    stage.dice.pick(INTRUSIONS)(stage)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
  }
  stage.expect(fingerprint(stage) === before, 'The state was changed through a view')
  return before.length
}

/** The five mappings, and attempts to write through them. */
export const mappingCalls: readonly Call[] = [
  call('mapping.get, has', 6, get),
  call('mapping: entries, keys, values, size', 0.4, iterate),
  call('mapping.forEach', 0.4, forEach),
  call('counts, closed', 1, counts),
  call('writing through a cast', 0.1, intrude),
]
