import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { backplaneTests, type BackplaneTestName } from '../../../src/testing/backplane-tests.ts'
import { BreakableBroker, harnessOfDriver } from './breakable-broker.ts'
import { FastClock } from './fast-clock.ts'
import { driverFaults } from './faults/driving.ts'

function testOf(name: BackplaneTestName): (typeof backplaneTests)[number] {
  return backplaneTests.find((test) => test.name === name) ?? expect.fail('There is no such test')
}

describe('the suite of backplanes', () => {
  // The suite itself must notice an error without a handler. The runner would count it as a failure of its own.
  let listeners: NodeJS.UnhandledRejectionListener[] = []
  beforeEach(() => {
    listeners = process.listeners('unhandledRejection')
    process.removeAllListeners('unhandledRejection')
  })
  afterEach(() => {
    for (const listener of listeners) process.on('unhandledRejection', listener)
  })

  it.each(backplaneTests)('passes a correct driver: $name', async ({ run }) => {
    await expect(run(harnessOfDriver(), { clock: new FastClock() })).resolves.toBeUndefined()
  })

  it.each(driverFaults)('$test: notices $what', async ({ test, Driver, says }) => {
    await expect(testOf(test).run(harnessOfDriver((broker) => new Driver(broker)), { clock: new FastClock() })).rejects.toThrow(says)
  })

  it('has a fault for each of its tests', () => {
    const tested = new Set(driverFaults.map(({ test }) => test))

    expect(backplaneTests.map(({ name }) => name).filter((name) => !tested.has(name))).toEqual([])
  })

  it.each(['kill', 'restart', 'freeze', 'thaw'] as const)('says that the broker cannot %s', async (method) => {
    const start = async () => Object.assign(new BreakableBroker(), { [method]: undefined })
    const test = method === 'kill' || method === 'restart' ? 'reports a broker that is gone, and one that is back' : 'closes while the broker is frozen'

    await expect(testOf(test).run({ start }, { clock: new FastClock() })).rejects.toThrow(`This test requires the broker to have \`${method}\``)
  })
})
