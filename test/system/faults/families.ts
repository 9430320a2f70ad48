import type { Scenario } from './scenario.ts'
import { authorizing } from './scripted/authorizing.ts'
import { batching } from './scripted/batching.ts'
import { clocks } from './scripted/clocks.ts'
import { closing } from './scripted/closing.ts'
import { draining } from './scripted/draining.ts'
import { framingFaults } from './scripted/framing.ts'
import { listening } from './scripted/listening.ts'
import { measuring } from './scripted/measuring.ts'
import { noticing } from './scripted/noticing.ts'
import { reassigning } from './scripted/reassigning.ts'
import { recording } from './scripted/recording.ts'
import { reentering } from './scripted/reentering.ts'
import { sending } from './scripted/sending.ts'
import { serializing } from './scripted/serializing.ts'
import { withdrawing } from './scripted/withdrawing.ts'
import { writing } from './scripted/writing.ts'
import { killing } from './ws/killing.ts'
import { resetting } from './ws/resetting.ts'
import { shuttingDown } from './ws/shutting-down.ts'
import { stalling } from './ws/stalling.ts'
import { stopping } from './ws/stopping.ts'

/** All scenarios. */
export const families: readonly Scenario[] = [
  ...sending,
  ...writing,
  ...framingFaults,
  ...measuring,
  ...draining,
  ...closing,
  ...reentering,
  ...withdrawing,
  ...reassigning,
  ...serializing,
  ...recording,
  ...noticing,
  ...batching,
  ...listening,
  ...authorizing,
  ...clocks,
  ...stalling,
  ...shuttingDown,
  ...resetting,
  ...stopping,
  ...killing,
]
