export { trackPositions } from './track-positions.ts'
export type { PositionTracker, Received, TrackOptions } from './track-positions.ts'
