import { describe, expect, it } from 'vitest'
import { natsBackplane, type NatsConnection, type NatsMessage } from '../../../src/backplanes/nats.ts'
import { expectCode } from '../../support/errors.ts'

type Callback = (error: Error | null, message: NatsMessage) => void

/** The statuses of a connection, as nats-core gives them: an iterable with a `stop`. */
class Statuses {
  #waiting: string[] = []
  #wake: () => void = () => {}
  isStopped = false

  push(type: string): void {
    this.#waiting.push(type)
    this.#wake()
  }

  stop(): void {
    this.isStopped = true
    this.#wake()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<{ type: string }> {
    while (!this.isStopped) {
      for (const type of this.#waiting.splice(0)) yield { type }
      if (!this.isStopped) await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }
}

/** A connection of nats-core. The test lets the server answer. */
class ScriptedNats implements NatsConnection {
  readonly statuses = new Statuses()
  readonly commands: string[] = []
  readonly callbacks = new Map<string, Callback>()
  info: { max_payload: number } | undefined = { max_payload: 10 }
  closed = false
  flushing: () => Promise<void> = async () => {}
  answer: () => Promise<unknown> = async () => ({})

  isClosed(): boolean {
    return this.closed
  }

  status(): Statuses {
    return this.statuses
  }

  publish(subject: string, payload: Uint8Array): void {
    this.commands.push(`publish ${subject} ${new TextDecoder().decode(payload)}`)
  }

  subscribe(subject: string, { callback }: { callback: Callback }): { drain(): Promise<void> } {
    this.commands.push(`subscribe ${subject}`)
    this.callbacks.set(subject, callback)
    return {
      drain: () => {
        this.commands.push(`drain ${subject}`)
        return this.flushing()
      },
    }
  }

  request(): Promise<unknown> {
    return this.answer()
  }

  flush(): Promise<void> {
    return this.flushing()
  }

  deliver(subject: string, text: string, reply?: string, error: Error | null = null): void {
    this.callbacks.get(subject)?.(error, { data: new TextEncoder().encode(text), reply, respond: () => this.commands.push(`answer ${reply}`) > 0 })
  }
}

async function opened(connection = new ScriptedNats()) {
  const driver = natsBackplane(connection)
  const received: string[] = []
  const statuses: boolean[] = []
  await driver.open((subject, text) => received.push(`${subject}: ${text}`), (isUp) => statuses.push(isUp))
  return { driver, connection, received, statuses }
}

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))
const never = (): Promise<never> => new Promise(() => {})

describe('natsBackplane', () => {
  it.each([undefined, null, 1, {}, { subscribe: () => {} }])('refuses %o', (connection) => {
    expectCode('ERR_INVALID_BACKPLANE', () => natsBackplane(connection as never))
  })

  it('does not open on a connection that is closed', async () => {
    await expect(opened(Object.assign(new ScriptedNats(), { closed: true }))).rejects.toThrow('no link')
  })

  it('opens without a link, and is up when there is one', async () => {
    const connection = Object.assign(new ScriptedNats(), { flushing: () => Promise.reject(new Error('connection disconnected')) })
    const { driver, statuses } = await opened(connection)

    expect(() => driver.publish('a', 'text')).toThrow('no link')
    connection.statuses.push('reconnect')
    await turn()
    driver.publish('a', 'text')

    expect(statuses).toEqual([true])
    expect(connection.commands).toEqual(['publish a text'])
  })

  it.each(['disconnect', 'staleConnection', 'close'])('is down at the status %s, and up again at reconnect', async (type) => {
    const { driver, connection, statuses } = await opened()

    connection.statuses.push('update')
    connection.statuses.push(type)
    await turn()
    expect(() => driver.publish('a', 'text')).toThrow('no link')
    await expect(driver.subscribers('a')).rejects.toThrow('no link')
    await expect(driver.subscribe(['a'])).rejects.toThrow('no link')
    connection.statuses.push('reconnect')
    await turn()

    expect(statuses).toEqual([true, false, true])
  })

  it('is down when the connection tells of no more statuses', async () => {
    const { connection, statuses } = await opened()

    connection.statuses.stop()
    await turn()

    expect(statuses).toEqual([true, false])
  })

  it('does not send a text of more bytes than the server takes', async () => {
    const { driver, connection } = await opened()

    driver.publish('a', '1234567890')
    driver.publish('a', '12345678901')
    driver.publish('a', '123456789é')
    connection.info = undefined
    driver.publish('a', 'of any length')

    expect(connection.commands).toEqual(['publish a 1234567890', 'publish a of any length'])
  })

  it('receives texts as they are, answers requests, and ignores errors of a subscription', async () => {
    const { driver, connection, received } = await opened()
    await driver.subscribe(['a'])

    connection.deliver('a', '\ufefftext')
    connection.deliver('a', '', 'inbox')
    connection.deliver('a', '', undefined, new Error('no permission'))

    expect(received).toEqual(['a: \ufefftext'])
    expect(connection.commands).toEqual(['subscribe a', 'answer inbox'])
  })

  it('answers requests until the server has ended the subscription, and delivers nothing more', async () => {
    const { driver, connection, received } = await opened()
    await driver.subscribe(['a'])
    connection.flushing = never

    void driver.unsubscribe(['a'])
    connection.deliver('a', 'late')
    connection.deliver('a', '', 'inbox')

    expect(received).toEqual([])
    expect(connection.commands).toEqual(['subscribe a', 'drain a', 'answer inbox'])
  })

  it('counts who answers as 1, and no responders as 0', async () => {
    const { driver, connection } = await opened()

    await expect(driver.subscribers('a')).resolves.toBe(1)
    connection.answer = () => Promise.reject(Object.assign(new Error('no responders'), { isNoResponders: () => true }))
    await expect(driver.subscribers('a')).resolves.toBe(0)
    connection.answer = () => Promise.reject(Object.assign(new Error('timeout'), { isNoResponders: () => false }))
    await expect(driver.subscribers('a')).rejects.toThrow('timeout')
    connection.answer = () => Promise.reject(new Error('closed'))
    await expect(driver.subscribers('a')).rejects.toThrow('closed')
  })

  it('gives up what is on its way when the link is lost: a subscription is undone, and the end of one is the end', async () => {
    const { driver, connection } = await opened()
    await driver.subscribe(['a'])
    connection.flushing = never
    connection.answer = never
    const outcome = Promise.allSettled([driver.subscribe(['b']), driver.unsubscribe(['a']), driver.subscribers('a')])

    connection.statuses.push('disconnect')

    expect((await outcome).map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected'])
    expect(connection.commands).toEqual(['subscribe a', 'subscribe b', 'drain a', 'drain b'])
  })

  it('unsubscribes while there is no link, and does not wait for a server', async () => {
    const { driver, connection, received } = await opened()
    await driver.subscribe(['a'])
    connection.flushing = never
    connection.statuses.push('disconnect')
    await turn()

    await expect(driver.unsubscribe(['a'])).resolves.toBeUndefined()
    connection.deliver('a', 'late')

    expect(received).toEqual([])
  })

  it('unsubscribes even if the connection fails to drain the subscription', async () => {
    const { driver, connection, received } = await opened()
    await driver.subscribe(['a'])
    connection.flushing = () => Promise.reject(new Error('connection closed'))

    await expect(driver.unsubscribe(['a'])).resolves.toBeUndefined()
    connection.deliver('a', 'late')

    expect(received).toEqual([])
  })

  it('ends its subscriptions and its statuses at close, and leaves the connection open', async () => {
    const { driver, connection, received, statuses } = await opened()
    await driver.subscribe(['a', 'b'])
    connection.flushing = never

    await driver.close()
    connection.deliver('a', 'late')
    connection.statuses.push('disconnect')
    await turn()

    expect(connection.commands).toEqual(['subscribe a', 'subscribe b', 'drain a', 'drain b'])
    expect(connection.statuses.isStopped).toBe(true)
    expect([received, statuses]).toEqual([[], [true]])
    expect(() => driver.publish('a', 'text')).toThrow('no link')
  })

  it('closes without having been opened', async () => {
    await expect(natsBackplane(new ScriptedNats()).close()).resolves.toBeUndefined()
  })
})
