import { describe, expect, it } from 'vitest'
import { redisBackplane } from '../../../src/backplanes/redis/index.ts'
import { expectCode } from '../../support/errors.ts'
import { IoRedis, NodeRedis, NodeRedisConnection, type IoRedisConnection } from './scripted-redis.ts'

async function openedNodeRedis(client = new NodeRedis()) {
  const driver = redisBackplane(client)
  const received: string[] = []
  const statuses: boolean[] = []
  await driver.open((subject, text) => received.push(`${subject}: ${text}`), (isUp) => statuses.push(isUp))
  const [publisher, subscriber] = client.made as [NodeRedisConnection, NodeRedisConnection]
  return { driver, publisher, subscriber, received, statuses }
}

async function openedIoRedis() {
  const client = new IoRedis()
  const driver = redisBackplane(client)
  const received: string[] = []
  const statuses: boolean[] = []
  const opening = driver.open((subject, text) => received.push(`${subject}: ${text}`), (isUp) => statuses.push(isUp))
  const [publisher, subscriber] = client.made as [IoRedisConnection, IoRedisConnection]
  publisher.turn('ready')
  subscriber.turn('ready')
  await opening
  return { driver, publisher, subscriber, received, statuses }
}

describe('redisBackplane', () => {
  it.each([undefined, null, 1, {}, { duplicate: () => {} }, { isReady: true }, { duplicate: () => {}, status: 'ready', isCluster: true }])('refuses %o', (client) => {
    expectCode('ERR_INVALID_BACKPLANE', () => redisBackplane(client as never))
  })

  it('refuses the client of a Redis Cluster of node-redis 6, which has what the client of a server has, and its masters', () => {
    const cluster = { duplicate: () => {}, isReady: false, masters: [] }

    expectCode('ERR_INVALID_BACKPLANE', () => redisBackplane(cluster as never))
  })

  it('connects only when it is opened, with two connections of its own', async () => {
    const client = new NodeRedis()

    const driver = redisBackplane(client)
    const madeBefore = client.made.length
    await driver.open(() => {}, () => {})

    expect([madeBefore, client.made.length]).toEqual([0, 2])
    await driver.close()
  })

  it('refuses every call before it is opened, and closes then', async () => {
    const driver = redisBackplane(new NodeRedis())

    expect(() => driver.publish('a', 'text')).toThrow('no link')
    await expect(driver.subscribe(['a'])).rejects.toThrow('no link')
    await expect(driver.unsubscribe(['a'])).resolves.toBeUndefined()
    await expect(driver.subscribers('a')).rejects.toThrow('no link')
    await expect(driver.close()).resolves.toBeUndefined()
  })
})

describe('redisBackplane of node-redis', () => {
  it('makes connections without an offline queue, with a listener for errors', async () => {
    const { publisher, subscriber } = await openedNodeRedis()

    for (const connection of [publisher, subscriber]) {
      expect(connection.overrides).toEqual({ disableOfflineQueue: true })
      expect(connection.listenerCount('error')).toBe(1)
    }
  })

  it('publishes and counts by one connection, and subscribes by the other', async () => {
    const { driver, publisher, subscriber, received } = await openedNodeRedis()

    await driver.subscribe(['a', 'b'])
    await driver.publish('a', 'text')
    subscriber.listener('text', 'a')

    await expect(driver.subscribers('a')).resolves.toBe(2)
    expect(publisher.commands).toEqual(['publish a text', 'numsub a'])
    expect(subscriber.commands).toEqual(['subscribe a b'])
    expect(received).toEqual(['a: text'])
  })

  it('subscribes once, and never unsubscribes from nothing, which would be all', async () => {
    const { driver, subscriber } = await openedNodeRedis()

    await driver.subscribe(['a'])
    await driver.subscribe(['a'])
    await driver.subscribe(['a', 'b'])
    await driver.unsubscribe(['c'])
    await driver.unsubscribe([])
    await driver.unsubscribe(['a', 'c'])

    expect(subscriber.commands).toEqual(['subscribe a', 'subscribe b', 'unsubscribe a'])
  })

  it('is up while both connections are', async () => {
    const { driver, publisher, subscriber, statuses } = await openedNodeRedis()

    publisher.turn(false)
    subscriber.turn(false)
    publisher.turn(true)
    expect(() => driver.publish('a', 'text')).toThrow('no link')
    subscriber.turn(true)

    expect(statuses).toEqual([true, false, true])
  })

  it('changes nothing if the link is lost before Redis has answered', async () => {
    const { driver, subscriber, received } = await openedNodeRedis()
    await driver.subscribe(['a'])
    subscriber.hold()
    const calls = [driver.subscribe(['b']), driver.unsubscribe(['a'])]
    const outcome = Promise.allSettled(calls)

    subscriber.fail(new Error('the socket is closed'))
    const settled = await outcome
    subscriber.listener('text', 'a')
    subscriber.listener('text', 'b')

    expect(settled.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(received).toEqual(['a: text'])
  })

  it('ends its connections, and delivers and reports nothing afterwards', async () => {
    const { driver, publisher, subscriber, received, statuses } = await openedNodeRedis()
    await driver.subscribe(['a'])

    await driver.close()
    subscriber.listener('text', 'a')

    expect([publisher.commands.at(-1), subscriber.commands.at(-1)]).toEqual(['destroy', 'destroy'])
    expect([received, statuses]).toEqual([[], [true]])
    expect(() => driver.publish('a', 'text')).toThrow('no link')
  })

  it('does not end a connection that has given up, and ends one of version 4 by disconnect', async () => {
    class Version4 extends NodeRedisConnection {
      disconnect(): Promise<void> {
        this.commands.push('disconnect')
        return Promise.reject(new Error('no link'))
      }
    }
    const make = (overrides: object): NodeRedisConnection => Object.assign(new Version4(overrides), { destroy: undefined })
    const { driver, publisher, subscriber } = await openedNodeRedis(new NodeRedis(make))
    publisher.isOpen = false

    await driver.close()

    expect([publisher.commands, subscriber.commands]).toEqual([[], ['disconnect']])
  })
})

describe('redisBackplane of ioredis', () => {
  it('makes connections that queue nothing, send nothing again, and do not subscribe by themselves', async () => {
    const { publisher, subscriber } = await openedIoRedis()

    for (const connection of [publisher, subscriber]) {
      expect(connection.overrides).toEqual({
        lazyConnect: true, enableOfflineQueue: false, autoResendUnfulfilledCommands: false, autoResubscribe: false, keyPrefix: '',
      })
      expect(connection.listenerCount('error')).toBe(1)
    }
  })

  it('goes on to open after an attempt that failed, and rejects if the client gives up', async () => {
    const client = new IoRedis()
    const opening = redisBackplane(client).open(() => {}, () => {})

    for (const connection of client.made) connection.turn('end')

    await expect(opening).rejects.toThrow('no link')
  })

  it('publishes, counts and receives', async () => {
    const { driver, publisher, subscriber, received } = await openedIoRedis()

    await driver.subscribe(['a'])
    await driver.publish('a', 'text')
    subscriber.emit('message', 'a', 'text')
    subscriber.emit('message', 'b', 'text')

    await expect(driver.subscribers('a')).resolves.toBe(3)
    expect(publisher.commands).toEqual(['publish a text', 'numsub a'])
    expect(received).toEqual(['a: text'])
  })

  it('rejects what Redis has not answered when the link is lost, because ioredis never settles it', async () => {
    const { driver, publisher, subscriber, statuses } = await openedIoRedis()
    publisher.hold()
    subscriber.hold()
    const outcome = Promise.allSettled([driver.publish('a', 'text'), driver.subscribe(['a']), driver.subscribers('a')])

    publisher.turn('close')
    subscriber.turn('close')

    expect((await outcome).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
    expect(statuses).toEqual([true, false])
  })

  it('subscribes again in one command when it is ready again, to what it is subscribed to', async () => {
    const { driver, subscriber } = await openedIoRedis()
    await driver.subscribe(['a', 'b', 'c'])
    await driver.unsubscribe(['b'])

    subscriber.turn('close')
    subscriber.turn('ready')

    expect(subscriber.commands).toEqual(['subscribe a b c', 'unsubscribe b', 'subscribe a c'])
  })

  it('tries again at the next link if it could not subscribe again', async () => {
    const { driver, subscriber } = await openedIoRedis()
    await driver.subscribe(['a'])
    subscriber.hold()

    subscriber.turn('ready')
    subscriber.fail(new Error('the socket is closed'))
    subscriber.turn('ready')

    expect(subscriber.commands).toEqual(['subscribe a', 'subscribe a', 'subscribe a'])
  })

  it('delivers only texts of the connection that subscribes', async () => {
    const { driver, publisher, subscriber, received } = await openedIoRedis()
    await driver.subscribe(['a'])

    publisher.emit('message', 'a', 'by the publisher')
    subscriber.emit('message', 'a', 'by the subscriber')

    expect(received).toEqual(['a: by the subscriber'])
  })

  it('rejects what is on its way when it is closed', async () => {
    const { driver, publisher, subscriber } = await openedIoRedis()
    publisher.hold()
    const publishing = Promise.resolve(driver.publish('a', 'text'))
    const outcome = expect(publishing).rejects.toThrow('no link')

    await driver.close()

    await outcome
    expect([publisher.commands.at(-1), subscriber.commands.at(-1)]).toEqual(['disconnect', 'disconnect'])
  })
})
