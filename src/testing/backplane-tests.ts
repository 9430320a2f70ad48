import type { BackplaneHarness } from './backplane-harness.ts'
import { deliversInOrder, deliversLater, deliversToAll, deliversUnchanged, deliversUnderAnySubject } from './backplane-suite/delivering.ts'
import { closesWhileFrozen, closesWhileGone, fallsSilent, leavesTheClientOpen } from './backplane-suite/ending.ts'
import { refusesWhileGone, reportsLoss, settlesCalls, subscribesAgain, survivesFreeze } from './backplane-suite/losing.ts'
import { countsSubscribers, forgetsClosed, subscribesOnce, subscribesToMany, unsubscribes } from './backplane-suite/subscribing.ts'
import { BackplaneTrial } from './backplane-suite/trial.ts'
import type { Patience, PatienceOptions } from './suite/patience.ts'
import { testsOf } from './tests-of.ts'

/** The tests that every driver must pass. A driver is an implementation of `Backplane`. */
export type EssentialBackplaneTest =
  | 'delivers each message once to every subscriber, the publisher included'
  | 'delivers the messages of each publisher in order'
  | 'delivers any text unchanged'
  | 'delivers under any subject'
  | 'delivers nothing from within publish'
  | 'subscribes to a thousand subjects at once'
  | 'delivers once what is subscribed to twice'
  | 'delivers nothing once unsubscribe has settled'
  | 'counts the subscribers of a subject'
  | 'is forgotten by the broker once it has closed'
  | 'delivers and reports nothing once close has settled'
  | 'leaves the client of the application open'

/** The tests in which the harness kills or freezes the broker. */
export type SkippableBackplaneTest =
  | 'reports a broker that is gone, and one that is back'
  | 'refuses what is published while the broker is gone'
  | 'subscribes again when the broker is back'
  | 'settles every call when the broker goes'
  | 'delivers in order what a frozen broker has held back'
  | 'closes while the broker is frozen'
  | 'closes while the broker is gone'

/** The name of a test in the backplane suite. */
export type BackplaneTestName = EssentialBackplaneTest | SkippableBackplaneTest

/** One test of the backplane suite, for any test runner. */
export interface BackplaneTest {
  /** The name of the test. The name says what a passing driver does. */
  readonly name: BackplaneTestName
  /** True if you may skip the test. A skip needs a reason. */
  readonly isSkippable: boolean
  /**
   * Resolves if the driver passes. Otherwise, rejects with an error that says what was expected and what happened, or with the error of the driver or
   * the harness.
   */
  run(harness: BackplaneHarness, options?: PatienceOptions): Promise<void>
}

type Run = (trial: BackplaneTrial) => Promise<void>

const ESSENTIAL: Readonly<Record<EssentialBackplaneTest, Run>> = {
  'delivers each message once to every subscriber, the publisher included': deliversToAll,
  'delivers the messages of each publisher in order': deliversInOrder,
  'delivers any text unchanged': deliversUnchanged,
  'delivers under any subject': deliversUnderAnySubject,
  'delivers nothing from within publish': deliversLater,
  'subscribes to a thousand subjects at once': subscribesToMany,
  'delivers once what is subscribed to twice': subscribesOnce,
  'delivers nothing once unsubscribe has settled': unsubscribes,
  'counts the subscribers of a subject': countsSubscribers,
  'is forgotten by the broker once it has closed': forgetsClosed,
  'delivers and reports nothing once close has settled': fallsSilent,
  'leaves the client of the application open': leavesTheClientOpen,
}

const SKIPPABLE: Readonly<Record<SkippableBackplaneTest, Run>> = {
  'reports a broker that is gone, and one that is back': reportsLoss,
  'refuses what is published while the broker is gone': refusesWhileGone,
  'subscribes again when the broker is back': subscribesAgain,
  'settles every call when the broker goes': settlesCalls,
  'delivers in order what a frozen broker has held back': survivesFreeze,
  'closes while the broker is frozen': closesWhileFrozen,
  'closes while the broker is gone': closesWhileGone,
}

/**
 * The tests of the backplane suite. Each test also fails if an error or a rejection was not handled. The suite notices this only if the runtime has
 * the events of Node (`unhandledRejection`, `uncaughtException`). If several tests fail, look at the first failure first.
 */
export const backplaneTests: readonly BackplaneTest[] = /* @__PURE__ */ allTests()

function allTests(): readonly BackplaneTest[] {
  const begin = (harness: BackplaneHarness, patience: Patience): BackplaneTrial => new BackplaneTrial(harness, patience)
  return Object.freeze([...testsOf(ESSENTIAL, false, begin), ...testsOf(SKIPPABLE, true, begin)])
}
