import type { RecoveryStats } from '../../recovery/recovery.ts'
import { counter, counters, upDownCounter, type Series } from './series.ts'

export const RECOVERY_SERIES: readonly Series<RecoveryStats>[] = [
  upDownCounter('recovery.channel.count', '{channel}', 'Channels that the recovery knows.', ({ channels }) => channels),
  upDownCounter('recovery.message.count', '{message}', 'Messages in all histories.', ({ messages }) => messages),
  upDownCounter('recovery.size', '{code_unit}', 'UTF-16 units of the messages in all histories.', ({ units }) => units),
  counter('recovery.evictions', '{message}', 'Messages that a limit of the history removed.', ({ evicted }) => evicted),
  counters('recovery.resumes', '{resume}', 'Subscribes with a position, by whether a loss could be ruled out.', 'outcome', ({ resumes }) => ({ ...resumes })),
]
