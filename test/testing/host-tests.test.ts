import { describe, expect, it } from 'vitest'
import { hostTests } from '../../src/testing/host-tests.ts'
import { acceptingFaults } from './faults/accepting.ts'
import { deliveringFaults } from './faults/delivering.ts'
import { endingFaults } from './faults/ending.ts'
import { hangingFaults } from './faults/hanging.ts'
import { privacyFaults } from './faults/keeping-private.ts'
import { pressureFaults } from './faults/pressure.ts'
import { withManager } from './faults/fault.ts'
import { HastyClock } from './hasty-clock.ts'
import { harnessOf, MemoryHost } from './memory-host.ts'

const faults = [...acceptingFaults, ...deliveringFaults, ...privacyFaults, ...endingFaults, ...pressureFaults, ...hangingFaults]

describe('the host suite', () => {
  it.each(hostTests)('passes a good host: $name', async ({ run }) => {
    await run(harnessOf(() => new MemoryHost()), { clock: new HastyClock() })
  })

  it.each(faults)('$test: notices $what', async ({ test, Host, says }) => {
    const { run } = hostTests.find(({ name }) => name === test) ?? expect.fail(`There is no such test`)

    const verdict = await run(harnessOf(() => new Host()), { clock: new HastyClock() }).catch((error: unknown) => error)

    expect(verdict).toBeInstanceOf(Error)
    expect((verdict as Error).message).toMatch(says)
  })

  it('marks the end of what it published by markers that differ, so that none stands for another', async () => {
    const markers: unknown[] = []
    const Host = withManager(({ inner }) => ({
      publish(messages) {
        markers.push(...messages.filter(({ symbol }) => symbol === 'MARKER').map(({ data }) => data))
        return messages.map((message) => inner.publish(message))
      },
    }))
    const { run } = hostTests.find(({ name }) => name === 'accepts a client that comes back') ?? expect.fail('There is no such test')

    await run(harnessOf(() => new Host()), { clock: new HastyClock() })

    expect(markers).toEqual([1, 2, 3])
  })

  it('has a fault to notice for each of its tests', () => {
    const noticing = new Set(faults.map(({ test }) => test))

    expect(hostTests.map(({ name }) => name).filter((name) => !noticing.has(name))).toEqual([])
  })
})
