import type { PublishResult } from '../../../../../src/index.ts'
import type { Stage } from '../stage.ts'
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
  stage.give(stage.arguments.message(), (message) => checked(stage, stage.manager.publish(message)))

const sendToUser = (stage: Stage): unknown =>
  stage.give(stage.arguments.addressedMessage(), (message) => checked(stage, stage.manager.sendToUser(stage.names.userId() as string, message)))

const sendToConnection = (stage: Stage): unknown =>
  stage.give(stage.arguments.addressedMessage(), (message) => checked(stage, stage.manager.sendToConnection(stage.names.connectionId() as string, message)))

const broadcast = (stage: Stage): unknown =>
  stage.give(stage.arguments.publicMessage(), (message) => checked(stage, stage.manager.broadcast(message)))

/** A text of the host's own: mostly one. */
function send(stage: Stage): unknown {
  const { dice, manager, menagerie } = stage
  const handle = stage.handle()
  if (handle === undefined) return undefined
  const text = dice.chance(0.85) ? dice.pick(['{"type":"ack"}', '', 'not JSON', '\ud83d', 'x'.repeat(440)]) : menagerie.value()
  const wasGone = handle.removed || manager.closed
  const result = checked(stage, handle.send(text as string))
  stage.expect(typeof text === 'string', 'What is no text was sent')
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
  call('handle.send', 6, send),
  call('stats', 1, ({ manager }) => manager.stats()),
  call('activeStreams', 1, ({ manager }) => manager.activeStreams().length),
]
