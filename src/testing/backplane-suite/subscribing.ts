import type { BackplaneTrial } from './trial.ts'
import type { TrialNode } from './trial-node.ts'

const ONE = 'ZGVzaw.c.T05F.-.-'
const OTHER = 'ZGVzaw.c.T1RIRVI.-.-'
const USER = 'ZGVzaw.u.YWxpY2U'

const MANY: readonly string[] = Array.from({ length: 1_000 }, (_, i) => `ZGVzaw.u.${i}`)

/** One call subscribes to many subjects, and one call ends all these subscriptions. */
export async function subscribesToMany(trial: BackplaneTrial): Promise<void> {
  const [a, b] = await trial.start()
  await b.subscribe(...MANY)
  for (const subject of MANY) a.publish(subject, subject)
  await a.fence(b)
  b.hasReceived(MANY.map((subject) => [subject, subject]))
  await b.unsubscribe(...MANY)
  for (const subject of MANY) a.publish(subject, 'late')
  await a.fence(b)
  b.hasReceived(MANY.map((subject) => [subject, subject]))
}

/** A second subscription to the same subject changes nothing. One call of `unsubscribe` ends both subscriptions. */
export async function subscribesOnce(trial: BackplaneTrial): Promise<void> {
  const [a, b] = await trial.start()
  await b.subscribe(ONE)
  await b.subscribe(ONE, OTHER)
  a.publish(ONE, 'first')
  a.publish(OTHER, 'second')
  await a.fence(b)
  b.hasReceived([[ONE, 'first'], [OTHER, 'second']])
  await b.unsubscribe(ONE)
  a.publish(ONE, 'late')
  await a.fence(b)
  b.hasReceived([[ONE, 'first'], [OTHER, 'second']])
}

/**
 * After `unsubscribe` has settled, the node receives only messages of its other subjects. An empty list ends no subscription. A subject without a
 * subscription is ignored.
 */
export async function unsubscribes(trial: BackplaneTrial): Promise<void> {
  const [a, b] = await trial.start()
  await b.subscribe(ONE, OTHER)
  for (let i = 0; i < 100; i++) a.publish(ONE, 'on its way')
  await b.unsubscribe(ONE)
  const before = b.deliveries.length
  await b.unsubscribe()
  await b.unsubscribe(ONE, 'ZGVzaw.u.nobody')
  a.publish(ONE, 'late')
  a.publish(OTHER, 'wanted')
  await a.fence(b)
  const after = b.deliveries.slice(before).map(([subject]) => subject)
  if (after.join() !== OTHER) throw new Error(`Expected that ${b.name} receives one text of ${OTHER} once \`unsubscribe\` has settled, but it received [${after.join()}]`)
}

/** The count of subscribers is right as soon as a call of `subscribe` or `unsubscribe` has settled. Any count above 0 may be reported as 1. */
export async function countsSubscribers(trial: BackplaneTrial): Promise<void> {
  const [a, b] = await trial.start()
  await expectCount(a, USER, false)
  await b.subscribe(USER)
  await expectCount(a, USER, true)
  await expectCount(b, USER, true)
  await expectCount(a, `${USER}.x`, false)
  await a.subscribe(USER)
  await b.unsubscribe(USER)
  await expectCount(b, USER, true)
  await a.unsubscribe(USER)
  await expectCount(a, USER, false)
  await countsMeanwhile(a, b)
  // To count is to receive nothing.
  await a.fence(a, b)
  for (const node of [a, b]) node.hasReceived([])
}

/** While a node unsubscribes, `subscribers` may return the old count or the new count. So this test checks only that the calls do not fail. */
async function countsMeanwhile(a: TrialNode, b: TrialNode): Promise<void> {
  for (let i = 0; i < 20; i++) {
    await b.subscribe(USER)
    await Promise.all([b.unsubscribe(USER), a.subscribers(USER)])
  }
}

async function expectCount(node: TrialNode, subject: string, isAny: boolean): Promise<void> {
  const count = await node.subscribers(subject)
  const isRight = Number.isInteger(count) && (isAny ? count > 0 : count === 0)
  if (!isRight) throw new Error(`Expected that ${node.name} counts ${isAny ? 'more than 0' : '0'} subscribers, but it is ${count}`)
}

/** Once a node has closed, the broker soon stops counting the node's subscriptions. */
export async function forgetsClosed(trial: BackplaneTrial): Promise<void> {
  const [a, b] = await trial.start()
  await b.subscribe(USER)
  await b.close()
  await trial.patience.until(`${a.name} counts 0 subscribers, because ${b.name} has closed`, {
    look: () => a.subscribers(USER),
    isAsExpected: (count) => count === 0,
  })
}
