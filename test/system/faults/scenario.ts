import type { Trial } from './trial.ts'

/** The moments in the life of a connection or message at which a fault is injected. */
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

/** Injects a fault, and asserts its consequences. The general invariants are asserted after every play. */
export type Play = (trial: Trial) => void | Promise<void>

/** One fault in one phase. */
export interface Scenario {
  readonly fault: string
  readonly phase: Phase
  readonly play: Play
}

/** The scenarios of one fault, in the order of the phases. */
export function fault(name: string, plays: Readonly<Partial<Record<Phase, Play>>>): Scenario[] {
  return PHASES.flatMap((phase) => {
    const play = plays[phase]
    return play === undefined ? [] : [{ fault: name, phase, play }]
  })
}

export function nameOf({ fault, phase }: Scenario): string {
  return `${fault}, ${phase}`
}
