import type { Trial } from './trial.ts'

/** Where in the life of a connection, or of a message, a fault strikes. */
export const PHASES = [
  'connecting',
  'pending',
  'subscribing',
  'idle',
  'before serialization',
  'before its turn',
  'at its turn',
  'after its turn',
  'in the batch',
  'during the flush',
  'behind',
  'on drain',
  'in a deferred publish',
  'during close',
  'during cleanup',
  'after cleanup',
] as const

export type Phase = (typeof PHASES)[number]

/** Injects a fault, and asserts what must have come of it. What must hold whatever happens is asserted for all of them. */
export type Play = (trial: Trial) => void | Promise<void>

/** One fault in one phase. */
export interface Scenario {
  readonly fault: string
  readonly phase: Phase
  readonly play: Play
}

/** The scenarios of one fault, by phase. */
export function fault(name: string, plays: Readonly<Partial<Record<Phase, Play>>>): Scenario[] {
  return PHASES.flatMap((phase) => {
    const play = plays[phase]
    return play === undefined ? [] : [{ fault: name, phase, play }]
  })
}

export function nameOf({ fault, phase }: Scenario): string {
  return `${fault}, ${phase}`
}
