import { describe, expect, it } from 'vitest'
import { hostTests } from '../../src/testing/host-tests.ts'
import { acceptingFaults } from './faults/accepting.ts'
import { deliveringFaults } from './faults/delivering.ts'
import { endingFaults } from './faults/ending.ts'
import { privacyFaults } from './faults/keeping-private.ts'
import { pressureFaults } from './faults/pressure.ts'
import { HastyClock } from './hasty-clock.ts'
import { harnessOf, MemoryHost } from './memory-host.ts'

const faults = [...acceptingFaults, ...deliveringFaults, ...privacyFaults, ...endingFaults, ...pressureFaults]

describe('the host suite', () => {
  it.each(hostTests)('passes a good host: $name', async ({ run }) => {
    await run(harnessOf(() => new MemoryHost()), { clock: new HastyClock() })
  })

  it.each(faults)('$test: notices $what', async ({ test, Host, says }) => {
    const { run } = hostTests.find(({ name }) => name === test) ?? expect.fail(`There is no such test`)

    const verdict = run(harnessOf(() => new Host()), { clock: new HastyClock() })

    await expect(verdict).rejects.toThrow(says)
  })

  it('has a fault to notice for each of its tests', () => {
    const noticing = new Set(faults.map(({ test }) => test))

    expect(hostTests.map(({ name }) => name).filter((name) => !noticing.has(name))).toEqual([])
  })
})
