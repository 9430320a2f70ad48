import type { HostHarness } from './host.ts'
import { acceptsReconnects, registers, deliversRightAfterConnecting, keepsServersApart, subscribes } from './suite/accepting.ts'
import { endsUnsubscribedStreams, ignoresClaims } from './suite/commanding.ts'
import { deliversBeforeShutdown, deliversBursts, deliversExactly, deliversUnchanged, deliversWhileOthersLeave } from './suite/delivering.ts'
import { cleansUpAfterClosing, cleansUpAfterVanishing, closesAllClients, closesRemovedClients, tellsRemovedClients } from './suite/ending.ts'
import { keepsPrivate, sendsToOneUser } from './suite/keeping-private.ts'
import type { Patience, PatienceOptions } from './suite/patience.ts'
import { cleansUpAfterStuckClient, disconnectsStuckClient, waitsForStuckClient, limitsAnswers, removesSilentClient } from './suite/pressure.ts'
import { ignoresClientsThatLeft, survivesBadBytes, survivesBadTexts } from './suite/surviving.ts'
import { Trial } from './suite/trial.ts'
import { testsOf } from './tests-of.ts'

/** The tests that every host must pass. These tests check acceptance of clients, delivery, privacy and clean-up. */
export type EssentialHostTest =
  | 'registers a client that connects'
  | 'subscribes a client to streams by symbol'
  | 'delivers each message to exactly its subscribers'
  | 'delivers any text unchanged'
  | 'delivers a burst of one tick whole and in order'
  | 'delivers what is published as soon as a client is connected'
  | 'keeps private messages to their user'
  | 'sends to one user alone'
  | 'closes a client that is removed'
  | 'cleans up after a client that closes'
  | 'cleans up after a client that vanishes'
  | 'accepts a client that comes back'
  | 'serves the others while clients leave'
  | 'closes everybody at shutdown'
  | 'delivers what is published right before its shutdown'

/**
 * The tests that need a feature that some hosts lack. The host may lack a second server in the process, a close code, a socket that reports its
 * buffered bytes, or a heartbeat that the suite can trigger. The host's clients may be unable to send requests, malformed texts or raw bytes. They
 * may be unable to fall silent, or to leave while the host authenticates them.
 */
export type SkippableHostTest =
  | 'keeps two servers apart'
  | 'tells a client why it is removed'
  | 'ends the subscription that a client gives up'
  | 'carries out what a client asks for that client alone'
  | 'goes on serving whatever text a client sends'
  | 'goes on serving whatever bytes a client sends'
  | 'registers no client that left before it was accepted'
  | 'removes a client that falls silent'
  | 'holds a stuck client back until it reads again'
  | 'ends a client that stays stuck'
  | 'lets no answers pile up for a client that does not read'
  | 'cleans up after a stuck client that vanishes'

/** The name of a test of the host suite. */
export type HostTestName = EssentialHostTest | SkippableHostTest

/** One test of the host suite, for any runner. */
export interface HostTest {
  /** The name of the test. The name says what a passing host does. */
  readonly name: HostTestName
  /** True if you may skip the test. A skip needs a reason. */
  readonly isSkippable: boolean
  /**
   * Resolves if the host passes. Otherwise, rejects with an error that says what was expected and what happened, or with the error of the host or the
   * harness.
   */
  run(harness: HostHarness, options?: PatienceOptions): Promise<void>
}

type Run = (trial: Trial) => Promise<void>

const ESSENTIAL: Readonly<Record<EssentialHostTest, Run>> = {
  'registers a client that connects': registers,
  'subscribes a client to streams by symbol': subscribes,
  'delivers each message to exactly its subscribers': deliversExactly,
  'delivers any text unchanged': deliversUnchanged,
  'delivers a burst of one tick whole and in order': deliversBursts,
  'delivers what is published as soon as a client is connected': deliversRightAfterConnecting,
  'keeps private messages to their user': keepsPrivate,
  'sends to one user alone': sendsToOneUser,
  'closes a client that is removed': closesRemovedClients,
  'cleans up after a client that closes': cleansUpAfterClosing,
  'cleans up after a client that vanishes': cleansUpAfterVanishing,
  'accepts a client that comes back': acceptsReconnects,
  'serves the others while clients leave': deliversWhileOthersLeave,
  'closes everybody at shutdown': closesAllClients,
  'delivers what is published right before its shutdown': deliversBeforeShutdown,
}

const SKIPPABLE: Readonly<Record<SkippableHostTest, Run>> = {
  'keeps two servers apart': keepsServersApart,
  'tells a client why it is removed': tellsRemovedClients,
  'ends the subscription that a client gives up': endsUnsubscribedStreams,
  'carries out what a client asks for that client alone': ignoresClaims,
  'goes on serving whatever text a client sends': survivesBadTexts,
  'goes on serving whatever bytes a client sends': survivesBadBytes,
  'registers no client that left before it was accepted': ignoresClientsThatLeft,
  'removes a client that falls silent': removesSilentClient,
  'holds a stuck client back until it reads again': waitsForStuckClient,
  'ends a client that stays stuck': disconnectsStuckClient,
  'lets no answers pile up for a client that does not read': limitsAnswers,
  'cleans up after a stuck client that vanishes': cleansUpAfterStuckClient,
}

/** The tests of the host suite. If several tests fail, look at the first failure first, because later tests rely on what earlier tests check. */
export const hostTests: readonly HostTest[] = /* @__PURE__ */ allTests()

function allTests(): readonly HostTest[] {
  const begin = (harness: HostHarness, patience: Patience): Trial => new Trial(harness, patience)
  return Object.freeze([...testsOf(ESSENTIAL, false, begin), ...testsOf(SKIPPABLE, true, begin)])
}
