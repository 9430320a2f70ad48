export { createRecovery } from './recovery.ts'
export type { RecoverableConnection, RecoverableManager, Recovery, RecoveryStats, Resumed, ResumeRequest } from './recovery.ts'
export type { HistoryOptions, RecoveryOptions, ReplayOptions, SnapshotStream, Stamp } from './options.ts'
