import type { BackplaneTrial } from './trial.ts'
import type { Delivery, TrialNode } from './trial-node.ts'

const SUBJECT = 'ZGVzaw.c.UFJJQ0U.QlRD.-'
const DROPPED = 'ZGVzaw.c.UFJJQ0U.RVRI.-'
const LATER = 'ZGVzaw.c.UFJJQ0U.U09M.-'

/** Each node reports that its broker is lost, and later that the broker is back. */
export async function reportsLoss(trial: BackplaneTrial): Promise<void> {
  const nodes = await trial.start()
  for (let round = 0; round < 2; round++) {
    await trial.broker('kill')
    for (const node of nodes) await node.reports(false)
    await trial.broker('restart')
    for (const node of nodes) await node.reports(true)
  }
}

const REFUSED = 1_000

/**
 * While there is no broker, the driver refuses to publish, so that messages do not pile up in the client. A refused message must not come when the
 * broker is back, because it would come after newer messages of the node.
 */
export async function refusesWhileGone(trial: BackplaneTrial): Promise<void> {
  const [a, b] = await trial.start()
  await b.subscribe(SUBJECT)
  await trial.broker('kill')
  for (const node of [a, b]) await node.reports(false)
  const accepted = await Promise.all(Array.from({ length: REFUSED }, (_, i) => a.hands(SUBJECT, `refused ${i}`)))
  const count = accepted.filter(Boolean).length
  if (count > 0) throw new Error(`Expected that ${a.name} refuses what is published while it has no broker, but it accepted ${count} of ${REFUSED} texts`)
  await trial.broker('restart')
  await isBack(trial, a, b)
  b.hasReceived([])
}

/** When the broker is back, the driver renews its subscriptions, and makes no others. New subscriptions are possible too. */
export async function subscribesAgain(trial: BackplaneTrial): Promise<void> {
  const [a, b] = await trial.start()
  const many = Array.from({ length: 1_000 }, (_, i) => `ZGVzaw.u.${i}`)
  await b.subscribe(SUBJECT, DROPPED, ...many)
  await b.unsubscribe(DROPPED)
  await trial.broker('kill')
  for (const node of [a, b]) await node.reports(false)
  await trial.broker('restart')
  await isBack(trial, a, b)
  await b.subscribe(LATER)
  for (const subject of [SUBJECT, DROPPED, LATER, ...many]) a.publish(subject, 'again')
  await a.fence(b)
  b.hasReceived([SUBJECT, LATER, ...many].map((subject): Delivery => [subject, 'again']))
}

/** If the broker goes, no call may wait for ever: a cluster makes one call at a time, so all later calls would wait too. */
export async function settlesCalls(trial: BackplaneTrial): Promise<void> {
  const [a, b] = await trial.start()
  await trial.broker('freeze')
  const handing = b.hands(SUBJECT, 'on its way')
  const settling = [a, b].map((node) => node.settlesEveryCall())
  // So that the calls leave the process before the broker is killed.
  await trial.pause()
  await trial.broker('kill')
  await Promise.all([...settling, handing])
  for (const node of [a, b]) await node.reports(false)
  for (const node of [a, b]) await node.settlesEveryCall()
  await trial.broker('restart')
  await isBack(trial, a, b)
}

const HELD = 200

/** A broker that is frozen and resumed may lose texts. The texts that come must come once and in order. Later texts must come as usual. */
export async function survivesFreeze(trial: BackplaneTrial): Promise<void> {
  const [a, b] = await trial.start()
  await b.subscribe(SUBJECT)
  await trial.broker('freeze')
  const handing = Promise.all(Array.from({ length: HELD }, (_, i) => a.hands(SUBJECT, String(i))))
  await trial.pause()
  await trial.broker('thaw')
  await handing
  await isBack(trial, a, b)
  // What is sent a second time may come after the fence.
  await trial.pause()
  const numbers = b.deliveries.map(([, text]) => Number(text))
  const at = numbers.findIndex((number, i) => i > 0 && number <= (numbers[i - 1] as number))
  if (at !== -1) throw new Error(`Expected that ${b.name} receives each text once and in order, but ${numbers[at - 1]} is followed by ${numbers[at]}`)
}

/**
 * Waits until both nodes receive what the first node publishes. A driver reports only whether it is itself connected to the broker. So the first node
 * publishes texts until each of the two nodes has received one.
 */
async function isBack({ patience }: BackplaneTrial, ...nodes: readonly [TrialNode, TrialNode]): Promise<void> {
  for (const node of nodes) await node.reports(true)
  const [a, b] = nodes
  let tries = 0
  await patience.until(`${a.name} and ${b.name} reach each other again`, {
    look: async () => {
      tries++
      await a.hands('cluster.fence', `try ${tries}`)
      return [a, b].every(({ received }) => received.some(([, text]) => text.startsWith('try ')))
    },
    isAsExpected: (seen) => seen,
  })
  await a.fence(a, b)
}
