import fc from 'fast-check'
import { plans } from './generation.ts'
import { Fault, runSequence, type Plan } from './sequence.ts'
import { Tally } from './tally.ts'

/** The smallest sequence found that shows a fault. */
export interface FoundFault {
  readonly plan: Plan
  readonly fault: Fault
  readonly seed: number
  readonly path: string
  /** How many sequences were run until it showed first. */
  readonly runs: number
  readonly shrinks: number
}

export interface Campaign {
  readonly tally: Tally
  readonly fault: FoundFault | undefined
}

export interface CampaignOptions {
  readonly runs: number
  readonly seed: number
  /** Where to find the counterexample of an earlier run. */
  readonly path: string | undefined
  /** Whether a fault is left as large as it was found. */
  readonly isAsFound: boolean
}

/** Runs so many random sequences, and makes the first that shows a fault as small as it can. */
export async function runCampaign({ runs, seed, path, isAsFound }: CampaignOptions): Promise<Campaign> {
  const tally = new Tally()
  const property = fc.asyncProperty(plans(), (plan) => runSequence(plan, tally))
  const details = await fc.check(property, { numRuns: runs, seed, endOnFailure: isAsFound, ...(path !== undefined && { path }) })
  if (!details.failed) return { tally, fault: undefined }
  if (details.counterexample === null) throw details.errorInstance
  const [plan] = details.counterexample
  return {
    tally,
    fault: {
      plan,
      fault: await faultOf(plan, details.errorInstance),
      seed,
      path: details.counterexamplePath ?? '',
      runs: details.numRuns,
      shrinks: details.numShrinks,
    },
  }
}

/** Runs it once more, for what it did. */
async function faultOf(plan: Plan, first: unknown): Promise<Fault> {
  try {
    await runSequence(plan, new Tally(), true)
  } catch (error) {
    if (error instanceof Fault) return error
    throw error
  }
  throw new Error('The sequence shows its fault only in the first run', { cause: first })
}
