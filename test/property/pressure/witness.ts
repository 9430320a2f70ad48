import { labelOf, streams, type StreamName } from '../../support/pressured-socket.ts'

/** What is still to come of one stream, and how many of it a notice said are missing. */
interface Expectation {
  outstanding: string[]
  missing: number
}

/**
 * What one client must see, knowing nothing of queues: every message once, in the order of its stream. Of a `latest` stream
 * some may be passed over; of a stream that drops as many as a notice in their place says.
 *
 * Labels read `TYPE:symbol/user/number`, with `*` for everybody.
 */
export class Witness {
  /** What was wrong so far. */
  readonly complaints: string[] = []
  readonly #userId: string
  readonly #knowsWhatToExpect: boolean
  readonly #lastNumbers = new Map<string, number>()
  readonly #expectations = new Map<string, Expectation>()
  readonly #reported = new Map<string, number>()

  /** One that does not know what to expect, because others act meanwhile, sees to the order alone. */
  constructor(userId: string, knowsWhatToExpect = true) {
    this.#userId = userId
    this.#knowsWhatToExpect = knowsWhatToExpect
  }

  /** A message was published that is to come, or to be accounted for. */
  expect(key: string, label: string): void {
    this.#of(key).outstanding.push(label)
  }

  /** Of this stream nothing may come any more of what was published before now. */
  forget(key: string): void {
    this.#expectations.delete(key)
  }

  see(text: string): void {
    const label = labelOf(text)
    const gap = /^gap of (.+) × (\d+)$/.exec(label)
    if (gap !== null) this.#seeGap(gap[1] as string, Number(gap[2]))
    else this.#seeMessage(label)
  }

  noteGapEvent(key: string, dropped: number): void {
    this.#report(key.replace(/undefined$/, 'null'), -dropped)
  }

  /** What should have come by now and did not; gap events that no notice belongs to, and the reverse. */
  missing(): string[] {
    const late = Array.from(this.#expectations, ([key, { outstanding, missing }]) => {
      const { delivery, overflow } = definitionOf(key)
      if (overflow === 'disconnect') return outstanding
      return delivery === 'every' ? outstanding.slice(missing) : missing > 0 ? [] : outstanding
    })
    const unreported = Array.from(this.#reported, ([key, count]) => (count === 0 ? [] : [`${count} of ${key} reported otherwise than noticed`]))
    return [...late, ...unreported].flat()
  }

  #seeMessage(label: string): void {
    const [key = '', userId, number] = label.split('/')
    if (userId !== '*' && userId !== this.#userId) this.complaints.push(`${label} belongs to somebody else`)
    this.#seeNumber(key, Number.parseInt(number ?? '', 10))
    if (this.#knowsWhatToExpect) this.#seeExpected(key, label)
  }

  #seeNumber(key: string, number: number): void {
    const last = this.#lastNumbers.get(key) ?? 0
    if (!(number > last)) this.complaints.push(`Number ${number} of ${key} came after ${last}`)
    this.#lastNumbers.set(key, number)
  }

  #seeExpected(key: string, label: string): void {
    const expectation = this.#of(key)
    const at = expectation.outstanding.indexOf(label)
    if (at === -1) return void this.complaints.push(`${label} came twice, out of order, or uncalled for`)
    const { delivery, overflow } = definitionOf(key)
    const isExplained = overflow === 'drop' && (delivery === 'every' ? at === expectation.missing : at >= expectation.missing)
    const mayBePassedOver = delivery === 'latest' && overflow === 'disconnect'
    if (at > 0 && !isExplained && !mayBePassedOver) this.complaints.push(`${label} came, ${at} before it did not, ${expectation.missing} were said to be missing`)
    if (at < expectation.missing) this.complaints.push(`${label} came, ${expectation.missing} before it were said to be missing, ${at} are`)
    expectation.outstanding = expectation.outstanding.slice(at + 1)
    expectation.missing = 0
  }

  #seeGap(key: string, dropped: number): void {
    const expectation = this.#of(key)
    expectation.missing += dropped
    this.#report(key, dropped)
    if (definitionOf(key).overflow !== 'drop') this.complaints.push(`A gap in ${key}, which may have none`)
    const isTooMany = this.#knowsWhatToExpect && expectation.missing > expectation.outstanding.length
    if (isTooMany) this.complaints.push(`A gap of ${dropped} in ${key}, more than there were messages`)
  }

  #report(key: string, change: number): void {
    this.#reported.set(key, (this.#reported.get(key) ?? 0) + change)
  }

  #of(key: string): Expectation {
    const known = this.#expectations.get(key)
    if (known !== undefined) return known
    const expectation = { outstanding: [], missing: 0 }
    this.#expectations.set(key, expectation)
    return expectation
  }
}

function definitionOf(key: string): (typeof streams)[StreamName] {
  return streams[key.split(':')[0] as StreamName]
}
