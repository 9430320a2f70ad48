import { EventEmitter } from 'node:events'

/** What a test lets Redis answer. */
interface Answer {
  resolve(value: unknown): void
  reject(error: Error): void
}

/** The connections that a driver has made of a client, and the commands that wait for their answers. */
class Scripted extends EventEmitter {
  readonly overrides: object
  readonly commands: string[] = []
  readonly #answers: Answer[] = []
  #isAnswering = true

  constructor(overrides: object = {}) {
    super()
    this.overrides = overrides
  }

  /** Answers no command from now on. */
  hold(): void {
    this.#isAnswering = false
  }

  fail(error: Error): void {
    for (const { reject } of this.#answers.splice(0)) reject(error)
  }

  protected command(name: string, facts: readonly unknown[], value?: unknown): Promise<unknown> {
    this.commands.push([name, ...facts].join(' '))
    if (this.#isAnswering) return Promise.resolve(value)
    return new Promise((resolve, reject) => this.#answers.push({ resolve, reject }))
  }
}

/** A connection of node-redis. It is ready when the test says so. */
export class NodeRedisConnection extends Scripted {
  isOpen = false
  isReady = false
  listener: (text: string, channel: string) => void = () => {}

  async connect(): Promise<void> {
    this.isOpen = true
    this.turn(true)
  }

  /** It has a link now, or none. */
  turn(isReady: boolean): void {
    this.isReady = isReady
    this.emit(isReady ? 'ready' : 'error', new Error('the socket is closed'))
  }

  publish(channel: string, text: string): Promise<unknown> {
    return this.command('publish', [channel, text])
  }

  subscribe(channels: string[], listener: (text: string, channel: string) => void): Promise<unknown> {
    this.listener = listener
    return this.command('subscribe', channels)
  }

  unsubscribe(channels: string[]): Promise<unknown> {
    return this.command('unsubscribe', channels)
  }

  pubSubNumSub(channels: string[]): Promise<unknown> {
    return this.command('numsub', channels, Object.fromEntries(channels.map((channel) => [channel, 2])))
  }

  destroy(): void {
    this.commands.push('destroy')
    this.isOpen = false
    this.turn(false)
  }
}

/** A client of node-redis, and the connections that were made of it. */
export class NodeRedis {
  readonly isReady = false
  readonly made: NodeRedisConnection[] = []
  readonly #make: (overrides: object) => NodeRedisConnection

  constructor(make: (overrides: object) => NodeRedisConnection = (overrides) => new NodeRedisConnection(overrides)) {
    this.#make = make
  }

  duplicate(overrides: object): NodeRedisConnection {
    const connection = this.#make(overrides)
    this.made.push(connection)
    return connection
  }
}

/** A connection of ioredis, which is ready when the test says so. */
export class IoRedisConnection extends Scripted {
  status = 'wait'

  connect(): Promise<void> {
    return Promise.reject(new Error('the first attempt fails'))
  }

  turn(status: string): void {
    this.status = status
    this.emit(status)
  }

  publish(channel: string, text: string): Promise<unknown> {
    return this.command('publish', [channel, text])
  }

  subscribe(...channels: readonly (string | readonly string[])[]): Promise<unknown> {
    return this.command('subscribe', channels.flat())
  }

  unsubscribe(...channels: readonly string[]): Promise<unknown> {
    return this.command('unsubscribe', channels)
  }

  pubsub(_: 'NUMSUB', channel: string): Promise<unknown[]> {
    return this.command('numsub', [channel], [channel, '3']) as Promise<unknown[]>
  }

  disconnect(): void {
    this.commands.push('disconnect')
    this.turn('end')
  }
}

/** A client of ioredis, and the connections that were made of it. */
export class IoRedis {
  readonly status = 'ready'
  readonly made: IoRedisConnection[] = []

  duplicate(overrides: object): IoRedisConnection {
    const connection = new IoRedisConnection(overrides)
    this.made.push(connection)
    return connection
  }
}
