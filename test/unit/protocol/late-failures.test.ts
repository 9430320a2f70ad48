import { describe, expect, it } from 'vitest'
import { A, deferred, desk, settled, subscribe, type Client, type Desk } from './desk.ts'

const OWN = { command: 'own', id: 1 }

/** What makes nobody wait for user code any more. */
const ENDINGS: readonly [string, (desk: Desk, client: Client) => unknown][] = [
  ['the client has left', (_, { connection }) => connection.remove()],
  ['the client has its refusal, because it took too long', ({ clock }) => clock.advance(10_000)],
]

describe.each([
  ['a command of the host', OWN, ENDINGS],
  ['authorize', subscribe(1), [...ENDINGS, [
    'the connection has another user', (_: Desk, { connection }: Client) => connection.reassign('bob'),
  ], [
    'the stream is revoked', ({ manager }: Desk) => manager.revoke({ streamType: 'TRADES', symbol: A.symbol }),
  ]] as typeof ENDINGS],
])('the promise of %s', (_, command, endings) => {
  it.each(endings)('that rejects after %s is told to the host once', async (__, end) => {
    const { hosting, client, work } = asked(command)

    end(hosting, client)
    await settled()
    const before = [...hosting.errors]
    work.reject(new Error('database'))
    await settled()

    expect([before, hosting.errors]).toEqual([[], [new Error('database')]])
  })

  it.each(endings)('that rejects with a code after %s is a refusal, and no fault', async (__, end) => {
    const { hosting, client, work } = asked(command)

    end(hosting, client)
    work.reject(Object.assign(new Error(), { code: 'ERR_UNPAID' }))
    await settled()

    expect(hosting.errors).toEqual([])
  })

  it.each(endings)('that resolves after %s changes nothing', async (__, end) => {
    const { hosting, client, work } = asked(command)

    end(hosting, client)
    work.resolve(true)
    await settled()

    expect([hosting.errors, hosting.manager.subscriptionCount]).toEqual([[], 0])
  })
})

describe('a command that removes its connection', () => {
  it('and rejects then is told to the host', async () => {
    const { connect, errors, clock } = desk({
      commands: {
        async leave({ connection }) {
          await connection.remove()
          throw new Error('database')
        },
      },
    })

    connect().ask({ command: 'leave', id: 1 })
    await settled()

    expect([errors, clock.pendingTimers]).toEqual([[new Error('database')], 0])
  })
})

/** A client whose command waits for user code. */
function asked(command: object) {
  const work = deferred<boolean>()
  const hosting = desk({ authorize: () => work.promise, commands: { own: () => work.promise } })
  const client = hosting.connect()
  client.ask(command)
  return { hosting, client, work }
}
