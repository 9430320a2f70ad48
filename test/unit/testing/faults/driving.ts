import type { BackplaneTestName } from '../../../../src/testing/backplane-tests.ts'
import { BreakableDriver, type BreakableBroker } from '../breakable-broker.ts'

/** A faulty driver, and the test that notices. */
export interface DriverFault {
  readonly test: BackplaneTestName
  readonly what: string
  readonly Driver: new (broker: BreakableBroker) => BreakableDriver
  /** What the test says. */
  readonly says: RegExp
}

export const driverFaults: readonly DriverFault[] = [
  {
    test: 'delivers each message once to every subscriber, the publisher included',
    what: 'a driver that does not hear itself',
    Driver: class extends BreakableDriver {
      readonly #own = new Set<string>()
      override publish(subject: string, text: string): unknown {
        this.#own.add(text)
        return super.publish(subject, text)
      }
      override open(receive: (subject: string, text: string) => void, status: (isUp: boolean) => void): Promise<void> {
        return super.open((subject, text) => (this.#own.has(text) && !subject.includes('fence') ? undefined : receive(subject, text)), status)
      }
    },
    says: /Expected delivery 1 of node A to be .*"one".*, but it is "none"/,
  },
  {
    test: 'delivers each message once to every subscriber, the publisher included',
    what: 'a driver that sends again what was not answered',
    Driver: class extends BreakableDriver {
      protected override spread(subject: string, text: string): void {
        super.spread(subject, text)
        super.spread(subject, text)
      }
    },
    says: /Expected delivery 2 of node A to be .*"two".*, but it is .*"one"/,
  },
  {
    test: 'delivers each message once to every subscriber, the publisher included',
    what: 'a driver that gives the text for the subject',
    Driver: class extends BreakableDriver {
      override open(receive: (subject: string, text: string) => void, status: (isUp: boolean) => void): Promise<void> {
        return super.open((subject, text) => (subject.includes('fence') ? receive(subject, text) : receive(text, subject)), status)
      }
    },
    says: /Expected delivery 1 of node A to be/,
  },
  {
    test: 'delivers the messages of each publisher in order',
    what: 'a driver that publishes over two connections',
    Driver: class extends BreakableDriver {
      protected override spread(subject: string, text: string): void {
        if (subject.endsWith('.other')) setImmediate(() => super.spread(subject, text))
        else super.spread(subject, text)
      }
    },
    says: /Expected that node C receives "node A 0" next, but it is "node A 1"/,
  },
  {
    test: 'delivers the messages of each publisher in order',
    what: 'a driver that drops what comes fast',
    Driver: class extends BreakableDriver {
      protected override spread(subject: string, text: string): void {
        if (!text.endsWith(' 300')) super.spread(subject, text)
      }
    },
    says: /Expected that node C receives "node A 300" next, but it is "node A 301"/,
  },
  {
    test: 'delivers the messages of each publisher in order',
    what: 'a driver that drops the last of what comes fast',
    Driver: class extends BreakableDriver {
      protected override spread(subject: string, text: string): void {
        if (!text.endsWith(' 499')) super.spread(subject, text)
      }
    },
    says: /Expected that node C receives "node A 499" next, but it is "none"/,
  },
  {
    test: 'delivers the messages of each publisher in order',
    what: 'a driver that sends the last text again',
    Driver: class extends BreakableDriver {
      protected override spread(subject: string, text: string): void {
        super.spread(subject, text)
        if (text.endsWith(' 499')) super.spread(subject, text)
      }
    },
    says: /Expected that node C receives 500 texts of node A, but there are 501/,
  },
  {
    test: 'delivers any text unchanged',
    what: 'a driver that refuses every text',
    Driver: class extends BreakableDriver {
      override publish(): unknown {
        throw new Error('refused')
      }
    },
    says: /Expected that node B receives what was published within \d+ ms, but got it received 0 texts, the last one "none"/,
  },
  {
    test: 'delivers any text unchanged',
    what: 'a driver that refuses long texts, and then all others',
    Driver: class extends BreakableDriver {
      #isStuck = false
      override publish(subject: string, text: string): unknown {
        this.#isStuck ||= text.length > 1_000_000
        if (this.#isStuck) throw new Error('refused')
        return super.publish(subject, text)
      }
    },
    says: /Expected that node B receives what was published within \d+ ms, but got it received 11 texts, the last one \[/,
  },
  {
    test: 'delivers any text unchanged',
    what: 'a driver of a protocol of lines',
    Driver: class extends BreakableDriver {
      protected override spread(subject: string, text: string): void {
        super.spread(subject, text.split('\n')[0] ?? '')
      }
    },
    says: /Expected delivery 3 of node B/,
  },
  {
    test: 'delivers any text unchanged',
    what: 'a driver that decodes Latin-1',
    Driver: class extends BreakableDriver {
      protected override spread(subject: string, text: string): void {
        super.spread(subject, Buffer.from(text).toString('latin1'))
      }
    },
    says: /Expected delivery \d+ of node B/,
  },
  {
    test: 'delivers any text unchanged',
    what: 'a decoder that takes a byte order mark away',
    Driver: class extends BreakableDriver {
      protected override spread(subject: string, text: string): void {
        super.spread(subject, new TextDecoder().decode(Buffer.from(text)))
      }
    },
    says: /Expected delivery 8 of node B/,
  },
  {
    test: 'delivers any text unchanged',
    what: 'a driver that cuts long texts',
    Driver: class extends BreakableDriver {
      protected override spread(subject: string, text: string): void {
        super.spread(subject, text.slice(0, 1_000_000))
      }
    },
    says: /Expected delivery 12 of node B/,
  },
  {
    test: 'delivers under any subject',
    what: 'a broker that ignores the case of subjects',
    Driver: class extends BreakableDriver {
      override subscribe(subjects: readonly string[]): Promise<void> {
        return super.subscribe([...subjects, ...subjects.map((subject) => subject.replace('.A', '.a'))])
      }
    },
    says: /Expected delivery \d+ of node B/,
  },
  {
    test: 'delivers under any subject',
    what: 'a driver that cuts long subjects',
    Driver: class extends BreakableDriver {
      override publish(subject: string, text: string): unknown {
        return super.publish(subject.slice(0, 1_024), text)
      }
    },
    says: /Expected delivery 11 of node A/,
  },
  {
    test: 'delivers nothing from within publish',
    what: 'a driver that gives a node its own messages at once',
    Driver: class extends BreakableDriver {
      override publish(subject: string, text: string): unknown {
        if (this.subjects.has(subject)) this.receive(subject, text)
        return super.publish(subject, text)
      }
    },
    says: /received a text before its call had returned/,
  },
  {
    test: 'subscribes to a thousand subjects at once',
    what: 'a driver that subscribes to the first 500 subjects',
    Driver: class extends BreakableDriver {
      override subscribe(subjects: readonly string[]): Promise<void> {
        return super.subscribe(subjects.slice(0, 500))
      }
    },
    says: /Expected delivery 501 of node B/,
  },
  {
    test: 'delivers once what is subscribed to twice',
    what: 'a driver that makes two subscriptions of two calls',
    Driver: class extends BreakableDriver {
      readonly #counts = new Map<string, number>()
      override subscribe(subjects: readonly string[]): Promise<void> {
        for (const subject of subjects) this.#counts.set(subject, (this.#counts.get(subject) ?? 0) + 1)
        return super.subscribe(subjects)
      }
      override open(receive: (subject: string, text: string) => void, status: (isUp: boolean) => void): Promise<void> {
        return super.open((subject, text) => {
          for (let i = 0; i < (this.#counts.get(subject) ?? 0); i++) receive(subject, text)
        }, status)
      }
    },
    says: /Expected delivery 2 of node B/,
  },
  {
    test: 'delivers nothing once unsubscribe has settled',
    what: 'a driver whose unsubscribe does not wait for the broker',
    Driver: class extends BreakableDriver {
      override async unsubscribe(subjects: readonly string[]): Promise<void> {
        setImmediate(() => super.unsubscribe(subjects).catch(() => {}))
      }
    },
    says: /receives one text of .* once `unsubscribe` has settled/,
  },
  {
    test: 'delivers nothing once unsubscribe has settled',
    what: 'a driver for which no subjects means all subjects',
    Driver: class extends BreakableDriver {
      override unsubscribe(subjects: readonly string[]): Promise<void> {
        return super.unsubscribe(subjects.length === 0 ? [...this.subjects].filter((subject) => !subject.includes('fence')) : subjects)
      }
    },
    says: /receives one text of .* once `unsubscribe` has settled, but it received \[\]/,
  },
  {
    test: 'counts the subscribers of a subject',
    what: 'a driver that counts what it is subscribed to itself',
    Driver: class extends BreakableDriver {
      override async subscribers(subject: string): Promise<number> {
        return this.subjects.has(subject) ? 1 : 0
      }
    },
    says: /Expected that node A counts more than 0 subscribers, but it is 0/,
  },
  {
    test: 'counts the subscribers of a subject',
    what: 'a driver that counts a subscriber of every subject',
    Driver: class extends BreakableDriver {
      override async subscribers(): Promise<number> {
        return 1
      }
    },
    says: /Expected that node A counts 0 subscribers, but it is 1/,
  },
  {
    test: 'counts the subscribers of a subject',
    what: 'a driver that asks the subscribers by a message that they receive',
    Driver: class extends BreakableDriver {
      override subscribers(subject: string): Promise<number> {
        this.publish(subject, 'who is there?')
        return super.subscribers(subject)
      }
    },
    says: /Expected delivery 1 of node \w to be "none"/,
  },
  {
    test: 'is forgotten by the broker once it has closed',
    what: 'a driver that closes and stays subscribed',
    Driver: class extends BreakableDriver {
      override async close(): Promise<void> {
        this.receive = () => {}
      }
    },
    says: /counts 0 subscribers, because node B has closed/,
  },
  {
    test: 'delivers and reports nothing once close has settled',
    what: 'a driver that reports that its own link has ended',
    Driver: class extends BreakableDriver {
      override async close(): Promise<void> {
        const { status } = this
        await super.close()
        setImmediate(() => status(false))
      }
    },
    says: /reports nothing once `close` has settled, but it reported false/,
  },
  {
    test: 'delivers and reports nothing once close has settled',
    what: 'a driver that delivers what was on its way',
    Driver: class extends BreakableDriver {
      override async close(): Promise<void> {}
    },
    says: /receives nothing once `close` has settled, but it received \d+ texts/,
  },
  {
    test: 'leaves the client of the application open',
    what: 'a driver that closes the client of the application',
    Driver: class extends BreakableDriver {
      override async close(): Promise<void> {
        this.isClientOpen = false
        await super.close()
      }
    },
    says: /the client is closed/,
  },
  {
    test: 'reports a broker that is gone, and one that is back',
    what: 'a driver that reports no loss',
    Driver: class extends BreakableDriver {
      override async lose(): Promise<void> {
        await this.line.close()
      }
    },
    says: /Expected that node A reports down/,
  },
  {
    test: 'reports a broker that is gone, and one that is back',
    what: 'a driver that reports the first link only',
    Driver: class extends BreakableDriver {
      #links = 0
      override async restore(): Promise<void> {
        if (this.#links++ > 0) this.status = () => {}
        await super.restore()
      }
    },
    says: /Expected that node A reports up/,
  },
  {
    test: 'refuses what is published while the broker is gone',
    what: 'a driver with an offline queue',
    Driver: class extends BreakableDriver {
      readonly #queue: (readonly [subject: string, text: string])[] = []
      override publish(subject: string, text: string): unknown {
        if (!this.broker.isGone) return super.publish(subject, text)
        this.#queue.push([subject, text])
        return undefined
      }
      override async restore(): Promise<void> {
        await super.restore()
        for (const message of this.#queue.splice(0)) this.publish(...message)
      }
    },
    says: /refuses what is published while it has no broker, but it accepted 1000 of 1000 texts/,
  },
  {
    test: 'refuses what is published while the broker is gone',
    what: 'a driver that refuses, and sends it later all the same',
    Driver: class extends BreakableDriver {
      readonly #queue: (readonly [subject: string, text: string])[] = []
      override publish(subject: string, text: string): unknown {
        if (this.broker.isGone) this.#queue.push([subject, text])
        return super.publish(subject, text)
      }
      override async restore(): Promise<void> {
        await super.restore()
        for (const message of this.#queue.splice(0)) this.publish(...message)
      }
    },
    says: /Expected delivery 1 of node B to be "none", but it is .*refused 0/,
  },
  {
    test: 'subscribes again when the broker is back',
    what: 'a driver that forgets its subscriptions with its link',
    Driver: class extends BreakableDriver {
      override async lose(): Promise<void> {
        for (const subject of this.subjects) if (!subject.includes('fence')) this.subjects.delete(subject)
        await super.lose()
      }
    },
    says: /Expected delivery 1 of node B/,
  },
  {
    test: 'subscribes again when the broker is back',
    what: 'a driver that subscribes again to what it had unsubscribed from',
    Driver: class extends BreakableDriver {
      readonly #all = new Set<string>()
      override subscribe(subjects: readonly string[]): Promise<void> {
        for (const subject of subjects) this.#all.add(subject)
        return super.subscribe(subjects)
      }
      override async restore(): Promise<void> {
        for (const subject of this.#all) this.subjects.add(subject)
        await super.restore()
      }
    },
    says: /Expected delivery 2 of node B/,
  },
  {
    test: 'settles every call when the broker goes',
    what: 'a driver whose calls are lost with the link',
    Driver: class extends BreakableDriver {
      protected override ask<TAnswer>(question: () => Promise<TAnswer>): Promise<TAnswer> {
        return new Promise((resolve, reject) => this.broker.run(() => question().then(resolve, reject)))
      }
    },
    says: /Expected that subscribe of node A settles within 10000 ms, but it did not happen/,
  },
  {
    test: 'settles every call when the broker goes',
    what: 'a driver whose rejection has no handler',
    Driver: class extends BreakableDriver {
      override async lose(): Promise<void> {
        void Promise.reject(new Error('nobody listens'))
        await super.lose()
      }
    },
    says: /Expected no error without a handler, but there is Error: nobody listens/,
  },
  {
    test: 'delivers in order what a frozen broker has held back',
    what: 'a driver that sends again what a frozen broker does not answer',
    Driver: class extends BreakableDriver {
      override publish(subject: string, text: string): unknown {
        super.publish(subject, text)
        this.broker.run(() => setImmediate(() => super.spread(subject, text)))
        return undefined
      }
    },
    says: /receives each text once and in order/,
  },
  {
    test: 'closes while the broker is frozen',
    what: 'a driver that says goodbye to its broker, and waits for the answer',
    Driver: class extends BreakableDriver {
      override async close(): Promise<void> {
        await this.ask(async () => {})
        await super.close()
      }
    },
    says: /Expected that node B closes within 10000 ms, but it did not happen/,
  },
  {
    test: 'closes while the broker is gone',
    what: 'a driver that cannot close without a link',
    Driver: class extends BreakableDriver {
      override async close(): Promise<void> {
        this.assertUp()
        await super.close()
      }
    },
    says: /the link is lost/,
  },
]
