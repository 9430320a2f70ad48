import type { PublishResult, StreamStatus } from '../../../../../src/index.ts'
import type { Stage } from '../stage.ts'
import { wrapped } from '../wrapping.ts'
import { call, type Call } from './call.ts'

/** A result adds up; one of a message that waits its turn says nothing yet. */
function checked(stage: Stage, result: PublishResult): PublishResult {
  const { matched, sent, queued, conflated, dropped, failed, skipped, deferred } = result
  const counts = [matched, sent, queued, conflated, dropped, failed, skipped]
  stage.expect(matched === sent + queued + conflated + dropped + failed + skipped, 'A result does not add up')
  stage.expect(counts.every((count) => Number.isSafeInteger(count) && count >= 0), 'A result has a count that is none')
  stage.expect(!deferred || matched === 0, 'A message that waits its turn matches somebody already')
  return result
}

const publish = (stage: Stage): unknown =>
  stage.give(stage.arguments.message(), (message) => checked(stage, stage.manager.publish(message, publishOptions(stage) as never)))

/** What `publish` is given in the second place: mostly nothing. */
function publishOptions(stage: Stage): unknown {
  const { dice, menagerie } = stage
  if (dice.chance(0.7)) return undefined
  if (dice.chance(0.05)) return menagerie.value()
  const handles = [stage.handle(), stage.handle()].filter((handle) => handle !== undefined)
  const except = dice.pick([undefined, handles[0], handles, [], dice.chance(0.1) ? menagerie.value() : undefined])
  return wrapped({ except, text: textMadeElsewhere(stage) }, dice, stage).value
}

function textMadeElsewhere({ dice, menagerie }: Stage): unknown {
  return dice.pick([undefined, '{"type":"made elsewhere"}', '', new Uint8Array(7), 'x'.repeat(440), dice.chance(0.2) ? menagerie.value() : undefined])
}

const notifyGap = (stage: Stage): unknown =>
  stage.give(stage.arguments.source(), (source) => stage.manager.notifyGap(source, stage.dice.pick([undefined, 1, 7, 0, stage.menagerie.value()]) as number))

function setStreamStatus(stage: Stage): unknown {
  const status = stage.dice.pick(['CONNECTED', 'RECONNECTING', 'ERROR', 'ERROR', 'PENDING', stage.menagerie.value()])
  return stage.give(stage.arguments.source(), (source) => {
    const isSet = stage.manager.setStreamStatus(source, status as StreamStatus)
    stage.expect(typeof isSet === 'boolean', 'setStreamStatus answers no boolean')
    return isSet
  })
}

/** Other calls, as one step. */
function batch(stage: Stage): unknown {
  const { dice, manager, menagerie, reenter } = stage
  manager.batch(() => {
    for (let calls = dice.below(4); calls > 0; calls--) reenter()
    return dice.chance(0.05) ? menagerie.value() : undefined
  })
  return undefined
}

const sendToUser = (stage: Stage): unknown =>
  stage.give(stage.arguments.addressedMessage(), (message) => checked(stage, stage.manager.sendToUser(stage.names.userId() as string, message)))

const sendToConnection = (stage: Stage): unknown =>
  stage.give(stage.arguments.addressedMessage(), (message) => checked(stage, stage.manager.sendToConnection(stage.names.connectionId() as string, message, sendOptions(stage) as never)))

function sendOptions(stage: Stage): unknown {
  const { dice, menagerie } = stage
  if (dice.chance(0.7)) return undefined
  return dice.chance(0.1) ? menagerie.value() : { text: textMadeElsewhere(stage) }
}

const broadcast = (stage: Stage): unknown =>
  stage.give(stage.arguments.publicMessage(), (message) => checked(stage, stage.manager.broadcast(message)))

/** A text of the host's own: mostly one. */
function send(stage: Stage): unknown {
  const { dice, manager, menagerie } = stage
  const handle = stage.handle()
  if (handle === undefined) return undefined
  const text = dice.chance(0.85) ? dice.pick(['{"type":"ack"}', '', 'not JSON', '\ud83d', 'x'.repeat(440), new Uint8Array(9)]) : menagerie.value()
  const wasGone = handle.removed || manager.closed
  const result = checked(stage, handle.send(text as string))
  stage.expect(typeof text === 'string' || ArrayBuffer.isView(text), 'What is neither a text nor bytes was sent')
  stage.expect(result.deferred || result.matched === 1, 'A text is for one connection, and matched another number')
  stage.expect(result.deferred || !wasGone || result.skipped === 1, 'A text to a connection that has gone was not skipped')
  stage.expect(result.conflated + result.dropped === 0, 'A text was conflated or dropped')
  return result
}

/** Messages on their way. */
export const deliveryCalls: readonly Call[] = [
  call('publish', 15, publish),
  call('sendToUser', 4, sendToUser),
  call('sendToConnection', 4, sendToConnection),
  call('broadcast', 2, broadcast),
  call('notifyGap', 2, notifyGap),
  call('setStreamStatus', 4, setStreamStatus),
  call('batch', 2, batch),
  call('handle.send', 6, send),
  call('stats', 1, ({ manager }) => manager.stats()),
  call('activeStreams', 1, ({ manager }) => manager.activeStreams().length),
]
