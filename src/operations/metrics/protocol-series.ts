import type { CommandStats } from '../../protocol/stats.ts'
import { counter, counters, upDownCounter, type Series } from './series.ts'

/** What is read from a command server at one collection. */
export interface CommandReading {
  readonly sessions: number
  readonly stats: CommandStats
}

export const PROTOCOL_SERIES: readonly Series<CommandReading>[] = [
  upDownCounter('protocol.session.count', '{session}', 'Sessions.', ({ sessions }) => sessions),
  counter('protocol.texts', '{text}', 'Texts that clients sent.', ({ stats }) => stats.texts),
  counter('protocol.commands', '{command}', 'Commands in these texts.', ({ stats }) => stats.commands),
  counter('protocol.answers', '{answer}', 'Frames that were sent to clients, answers and others.', ({ stats }) => stats.answers),
  counter('protocol.refusals', '{command}', 'Commands that were refused, for any reason.', ({ stats }) => stats.refused),
  counter('protocol.rate_limited.commands', '{command}', 'Refused ones, because the client asked too often.', ({ stats }) => stats.limited),
  counter('protocol.timed_out.commands', '{command}', 'Refused ones, because user code took too long.', ({ stats }) => stats.timeouts),
  counters('protocol.closed.connections', '{connection}', 'Connections that were ended for too many refusals, or for silence.', 'reason', ({ stats }) => ({
    flood: stats.floods,
    idle: stats.idle,
  })),
  counter('protocol.ended.subscriptions', '{subscription}', 'Subscriptions that ended although the client did not ask for that.', ({ stats }) => stats.ended),
]
