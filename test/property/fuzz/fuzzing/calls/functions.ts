import {
  createStreamMessage,
  defineStreams,
  parseServerMessage,
  parseStreamKey,
  parseStreamMessage,
  parseSubscriptionKey,
  rawJson,
  serializeStreamMessage,
  streamKey,
  subscriptionKey,
} from '../../../../../src/index.ts'
import { boom } from '../menagerie.ts'
import type { Stage } from '../stage.ts'
import { call, type Call } from './call.ts'

/** What the message functions are given in the second place. */
function options({ dice, menagerie, setting }: Stage): unknown {
  if (dice.chance(0.92)) return { streams: setting.streams }
  if (dice.chance(0.3)) return Object.defineProperty({}, 'streams', { get: boom })
  return dice.chance(0.5) ? { streams: menagerie.value() } : menagerie.value()
}

function createMessage(stage: Stage): unknown {
  const message = stage.give(stage.arguments.message(), (init) => createStreamMessage(init, options(stage) as never))
  stage.expect(Object.isFrozen(message), 'A message can be changed')
  return message
}

function serialize(stage: Stage): unknown {
  const text = stage.give(stage.arguments.message(), (message) => serializeStreamMessage(message, options(stage) as never))
  stage.expect(typeof text === 'string', 'A serialized message is no text')
  return text
}

function text({ dice, menagerie, names, setting }: Stage): unknown {
  if (dice.chance(0.15)) return menagerie.value()
  const isPublic = (name: string): boolean => setting.streams[name]?.audience === 'public'
  const wire = {
    stream_type: dice.pick(dice.chance(0.95) ? names.streamTypes.filter(isPublic) : names.streamTypes),
    symbol: dice.chance(0.9) ? dice.pick(names.symbols) : null,
    data: { depth: dice.below(9) },
    timestamp: '2026-01-31T12:00:00.000Z',
    user_id: null,
  }
  return JSON.stringify(dice.chance(0.2) ? { ...wire, type: 'gap', data: undefined, dropped: dice.below(4) } : wire)
}

function keyOfSubscription(stage: Stage): unknown {
  const { dice, keep } = stage
  if (dice.chance(0.3) && keep.views.items.length > 0) return subscriptionKey(dice.pick(keep.views.items))
  return stage.give(stage.arguments.reference(), (reference) => subscriptionKey(reference))
}

function parseKey(stage: Stage): unknown {
  const key = stage.dice.chance(0.6) ? stage.manager.streamSubscriptions.keys().next().value : stage.names.symbol()
  const { streamType, symbol } = parseStreamKey(key as string)
  stage.expect(streamKey(streamType, symbol) === key, 'A stream key is read as another')
  return key
}

function parseKeyOfSubscription(stage: Stage): unknown {
  const { dice, keep, names } = stage
  const key = dice.chance(0.7) && keep.views.items.length > 0 ? dice.pick(keep.views.items).key : names.userId()
  stage.expect(subscriptionKey(parseSubscriptionKey(key as string)) === key, 'A subscription key is read as another')
  return key
}

function markAsJson({ dice, menagerie }: Stage): unknown {
  const text = dice.pick(['{"a":1}', '[]', 'null', 'not json', '', '{'])
  const validate = dice.pick([undefined, false, true, true, menagerie.value()])
  return rawJson((dice.chance(0.85) ? text : menagerie.value()) as string, dice.pick([undefined, { validate }, { validate }, menagerie.value()]) as never)
}

/** A catalogue that somebody wrote, sometimes with something wrong in it. */
function define({ dice, menagerie }: Stage): unknown {
  const definition = {
    audience: dice.pick(['public', 'private']),
    symbol: dice.pick(['required', 'optional', 'none', undefined]),
    payload: menagerie.value(),
    ...(dice.chance(0.15) && { delivery: dice.pick(['latest', 'every', menagerie.value()]) }),
    ...(dice.chance(0.15) && { overflow: dice.pick(['drop', 'disconnect', menagerie.value()]) }),
    ...(dice.chance(0.03) && { typo: true }),
  }
  if (dice.chance(0.05)) return defineStreams(menagerie.value() as never)
  const name = dice.chance(0.9) ? dice.pick(['NEWS', '__proto__', 'constructor', '%', ' ']) : String(dice.pick(['', ':', 'a:b']))
  if (dice.chance(0.05)) return defineStreams(Object.defineProperty({}, name, { enumerable: true, get: boom }))
  return defineStreams(Object.fromEntries([[name, dice.chance(0.1) ? menagerie.value() : definition]]) as never)
}

/** What is exported beside the manager. */
export const functionCalls: readonly Call[] = [
  call('createStreamMessage', 3, createMessage),
  call('serializeStreamMessage', 3, serialize),
  call('parseStreamMessage', 2, (stage) => parseStreamMessage(text(stage) as string, options(stage) as never)),
  call('parseServerMessage', 2, (stage) => parseServerMessage(text(stage) as string, options(stage) as never)),
  call('streamKey', 2, ({ names }) => streamKey(names.streamType() as string, names.symbol() as string)),
  call('subscriptionKey', 2, keyOfSubscription),
  call('parseStreamKey', 2, parseKey),
  call('parseSubscriptionKey', 2, parseKeyOfSubscription),
  call('rawJson', 1, markAsJson),
  call('defineStreams', 0.5, define),
]
