import type { BackplaneTrial } from './trial.ts'
import type { Delivery, TrialNode } from './trial-node.ts'

const SUBJECT = 'ZGVzaw.c.UFJJQ0U.QlRD.-'

/** Every subscriber receives each message once. The publisher is a subscriber too. */
export async function deliversToAll(trial: BackplaneTrial): Promise<void> {
  const [a, b] = await trial.start()
  const c = await trial.join()
  await a.subscribe(SUBJECT)
  await b.subscribe(SUBJECT)
  await a.hands(SUBJECT, 'one')
  await a.hands(SUBJECT, 'two')
  await a.fence(a, b, c)
  for (const node of [a, b]) node.hasReceived([[SUBJECT, 'one'], [SUBJECT, 'two']])
  c.hasReceived([])
}

const EACH = 500

/** If two nodes publish at the same time, the messages of each node come in the order in which the node published them. */
export async function deliversInOrder(trial: BackplaneTrial): Promise<void> {
  const nodes = await trial.start()
  const reader = await trial.join()
  await reader.subscribe(SUBJECT, `${SUBJECT}.other`)
  for (let i = 0; i < EACH; i++) for (const node of nodes) node.publish(i % 3 === 0 ? `${SUBJECT}.other` : SUBJECT, `${node.name} ${i}`)
  for (const node of nodes) await node.fence(reader)
  for (const node of nodes) expectInOrder(reader, node)
}

function expectInOrder(reader: TrialNode, { name }: TrialNode): void {
  const seen = reader.deliveries.map(([, text]) => text).filter((text) => text.startsWith(name))
  const expected = Array.from({ length: EACH }, (_, i) => `${name} ${i}`)
  const at = expected.findIndex((text, i) => text !== seen[i])
  if (at !== -1) throw new Error(`Expected that ${reader.name} receives "${expected[at]}" next, but it is "${seen[at] ?? 'none'}"`)
  if (seen.length > EACH) throw new Error(`Expected that ${reader.name} receives ${EACH} texts of ${name}, but there are ${seen.length}`)
}

const MIB = 1_048_576

/** Texts that an encoding or a line-based protocol could damage. The last two texts are long. */
const AWKWARD: readonly string[] = [
  '',
  ' ',
  '\n',
  '\r\n+OK\r\n-ERR\r\n$3\r\n',
  'PUB a 3\r\nxyz\r\nMSG a 1 3',
  '\u0000\u0001\u007f\u0000',
  '"quoted" \'single\' `tick` \\ \\n %00 {} []',
  '\ufeffa byte order mark, and another \ufeff',
  'žluťoučký kůň, 価格, السعر, 🂡👩‍👩‍👧, \u2028 \u2029',
  '{"v":1}\n{"streamType":"PRICE","data":"\\ud83d"}',
  '🂡'.repeat(20_000),
  'x'.repeat(MIB),
]

export async function deliversUnchanged(trial: BackplaneTrial): Promise<void> {
  const [a, b] = await trial.start()
  await b.subscribe(SUBJECT)
  for (const text of AWKWARD) a.publish(SUBJECT, text)
  await a.fence(b)
  b.hasReceived(AWKWARD.map((text) => [SUBJECT, text]))
}

/**
 * A part of a subject, as long as the base64url of the longest name. The longest name has 255 UTF-16 units of three bytes each, and base64url encodes
 * three bytes as four characters.
 */
const LONGEST_PART = '-_Az09'.repeat(170)
const LONGEST_SUBJECT = `${LONGEST_PART}.c.${[LONGEST_PART, LONGEST_PART, LONGEST_PART].join('.')}`

/**
 * Subjects of the form that a cluster makes, and two names that every JavaScript object inherits. Some subjects differ only in a detail that a
 * careless broker or driver would miss.
 */
const SUBJECTS: readonly string[] = [
  'ZGVzaw.a',
  'ZGVzaw.A',
  'ZGVzaw.a.-',
  'zgvzaw.a',
  'ZGVzaw.n.__proto__',
  'ZGVzaw.c.-.-',
  'ZGVzaw.c.-.--',
  'ZGVzaw.c._.-',
  'constructor',
  '__proto__',
  LONGEST_SUBJECT,
  `${LONGEST_SUBJECT.slice(0, -1)}A`,
]

/** A node receives the messages of the subjects that it is subscribed to, and no messages of similar subjects. */
export async function deliversUnderAnySubject(trial: BackplaneTrial): Promise<void> {
  const [a, b] = await trial.start()
  const odd = SUBJECTS.filter((_, i) => i % 2 === 1)
  await a.subscribe(...SUBJECTS)
  await b.subscribe(...odd)
  for (const subject of SUBJECTS) a.publish(subject, `text of ${subject.slice(0, 20)}`)
  await a.fence(a, b)
  const deliveryOf = (subject: string): Delivery => [subject, `text of ${subject.slice(0, 20)}`]
  a.hasReceived(SUBJECTS.map(deliveryOf))
  b.hasReceived(odd.map(deliveryOf))
}

/** A driver must not deliver from within `publish`, because the node that publishes may be in the middle of a state change. */
export async function deliversLater(trial: BackplaneTrial): Promise<void> {
  const [a, b] = await trial.start()
  await a.subscribe(SUBJECT)
  for (let i = 0; i < 10; i++) a.publish(SUBJECT, `text ${i}`)
  await a.fence(a, b)
  if (a.hasReceivedWithinPublish) throw new Error(`Expected that nothing is received from within \`publish\`, but ${a.name} received a text before its call had returned`)
}
