export { positionIds } from './position-ids.ts'
export { createRecovery, Recovery } from './recovery.ts'
export type { RecoverableConnection, RecoverableManager, RecoveryStats, Resumed, ResumeRequest } from './recovery.ts'
export type { HistoryOptions, RecoveryOptions, ReplayOptions, SnapshotStream, Stamp } from './options.ts'
