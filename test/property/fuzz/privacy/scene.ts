import type { ConnectionManager, StreamCatalogue } from '../../../../src/index.ts'
import type { Dice } from '../../../support/dice.ts'
import type { Client } from './client.ts'
import type { Happenings } from './happenings.ts'
import type { Model } from './model.ts'
import type { ClientSocket } from './sockets.ts'

/** The manager that is tried, as everybody here knows it. */
export type Manager = ConnectionManager<ClientSocket, StreamCatalogue>

/** What all that acts in a round has in common. */
export interface Scene {
  readonly dice: Dice
  readonly manager: Manager
  readonly model: Model
  readonly happenings: Happenings
  /** Those who were connected once. */
  readonly gone: Client[]
  /** What is being done, for a report. */
  doing: string
  /** How far inside it is: 0 outside, 1 within a call of ours or a flush, more within what reacts to that. */
  depth: number
  /** Sockets take all that comes, and nobody reacts. */
  isPeaceful: boolean
  /** Whether there is a recorder, and there are notices. Their recipients are not counted by the model. */
  readonly isRecording: boolean
  /** Says that something is as it must not be. */
  complain(kind: string, detail?: string): void
}
