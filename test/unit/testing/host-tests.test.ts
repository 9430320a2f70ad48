import { describe, expect, it } from 'vitest'
import { hostTests, type HostTestName } from '../../../src/testing/host-tests.ts'
import { acceptingFaults } from './faults/accepting.ts'
import { commandingFaults } from './faults/commanding.ts'
import { deliveringFaults } from './faults/delivering.ts'
import { endingFaults } from './faults/ending.ts'
import { hangingFaults } from './faults/hanging.ts'
import { privacyFaults } from './faults/keeping-private.ts'
import { pressureFaults } from './faults/pressure.ts'
import { survivingFaults } from './faults/surviving.ts'
import { withClients, withManager, without } from './faults/fault.ts'
import { FastClock } from './fast-clock.ts'
import { BufferedMemoryClient, harnessOf, MemoryHost, type MemoryCommand, type MemoryConnection } from './memory-host.ts'

const faults = [
  ...acceptingFaults, ...deliveringFaults, ...privacyFaults, ...endingFaults, ...commandingFaults, ...survivingFaults, ...pressureFaults,
  ...hangingFaults,
]

function runOn(Host: new () => MemoryHost, test: HostTestName): Promise<void> {
  const { run } = hostTests.find(({ name }) => name === test) ?? expect.fail('There is no such test')
  return run(harnessOf(() => new Host()), { clock: new FastClock() })
}

describe('the host suite', () => {
  it.each(hostTests)('passes a correct host: $name', async ({ run }) => {
    await run(harnessOf(() => new MemoryHost()), { clock: new FastClock() })
  })

  it.each(hostTests)('passes a correct host whose sockets buffer the messages of a turn: $name', async ({ run }) => {
    await run(harnessOf(() => new (withClients(BufferedMemoryClient))()), { clock: new FastClock() })
  })

  it('passes a correct host that disconnects a client with a false identity', async () => {
    class StrictHost extends MemoryHost {
      override carryOut(connection: MemoryConnection, command: MemoryCommand): void {
        if (Object.keys(command.claims).length > 0) void connection.remove()
        else super.carryOut(connection, command)
      }
    }

    await expect(runOn(StrictHost, 'carries out what a client asks for that client alone')).resolves.toBeUndefined()
  })

  it('requires no heartbeat if a host notices dead clients without one', async () => {
    await expect(runOn(without('beat'), 'goes on serving whatever bytes a client sends')).resolves.toBeUndefined()
  })

  it('passes a correct host that stops reading from a client that does not read itself', async () => {
    class HoldingHost extends MemoryHost {
      override obey(connection: MemoryConnection, text: string): void {
        if (Number(connection.socket.bufferedAmount) === 0) super.obey(connection, text)
      }
    }

    await expect(runOn(HoldingHost, 'lets no answers pile up for a client that does not read')).resolves.toBeUndefined()
  })

  it.each(faults)('$test: detects $what', async ({ test, Host, says }) => {
    const { run } = hostTests.find(({ name }) => name === test) ?? expect.fail(`There is no such test`)

    const verdict = await run(harnessOf(() => new Host()), { clock: new FastClock() }).catch((error: unknown) => error)

    expect(verdict).toBeInstanceOf(Error)
    expect((verdict as Error).message).toMatch(says)
  })

  it('ends each publish with a different marker, so that none is mistaken for another', async () => {
    const markers: unknown[] = []
    const Host = withManager(({ inner }) => ({
      publish(messages) {
        markers.push(...messages.filter(({ symbol }) => symbol === 'MARKER').map(({ data }) => data))
        return messages.map((message) => inner.publish(message))
      },
    }))
    const { run } = hostTests.find(({ name }) => name === 'accepts a client that comes back') ?? expect.fail('There is no such test')

    await run(harnessOf(() => new Host()), { clock: new FastClock() })

    expect(markers).toEqual([1, 2, 3])
  })

  it('has a faulty host for each of its tests', () => {
    const noticing = new Set(faults.map(({ test }) => test))

    expect(hostTests.map(({ name }) => name).filter((name) => !noticing.has(name))).toEqual([])
  })
})
