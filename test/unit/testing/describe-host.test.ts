import * as nodeTest from 'node:test'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { describeHost, type DescribeHostOptions, type HostReport } from '../../../src/testing/describe-host.ts'
import { hostTests, type EssentialHostTest, type HostTestName, type SkippableHostTest } from '../../../src/testing/host-tests.ts'
import type { TestRunner } from '../../../src/testing/test-runner.ts'
import { FastClock } from './fast-clock.ts'
import { harnessOf, MemoryHost } from './memory-host.ts'

const NAMES = hostTests.map(({ name }) => name)
const SKIPPABLE = hostTests.filter(({ isSkippable }) => isSkippable).map(({ name }) => name as SkippableHostTest)
const good = harnessOf(() => new MemoryHost())

interface Registered {
  readonly title: string
  readonly run: () => Promise<void>
}

/** A runner that records the registered tests and runs none. */
function fakeRunner() {
  const suites: string[] = []
  const tests: Registered[] = []
  const skipped: Registered[] = []
  const register = (list: Registered[]) => (title: string, run: () => Promise<void>) => void list.push({ title, run })
  const runner: TestRunner = {
    describe: (name, body) => {
      suites.push(name)
      body()
    },
    it: Object.assign(register(tests), { skip: register(skipped) }),
  }
  return { runner, suites, tests, skipped }
}

async function runAll(tests: readonly Registered[]): Promise<string[]> {
  const failed: string[] = []
  for (const { title, run } of tests) await run().catch(() => failed.push(title))
  return failed
}

describe('describeHost', () => {
  it('registers every test under the name of the host', () => {
    const { runner, suites, tests, skipped } = fakeRunner()

    describeHost('memory', good, runner)

    expect(suites).toEqual(['memory'])
    expect(tests.map(({ title }) => title)).toEqual(NAMES)
    expect(skipped).toEqual([])
  })

  it('reports what passed, test by test and when the suite is complete', async () => {
    const { runner, tests } = fakeRunner()
    const reports: HostReport[] = []

    const report = describeHost('memory', good, { ...runner, clock: new FastClock(), report: (each) => reports.push(each) })
    const atFirst = report.results
    await tests[0]?.run()
    const afterOne = report.results
    const failed = await runAll(tests.slice(1))

    expect([atFirst, afterOne, failed]).toEqual([[], [{ test: NAMES[0], outcome: 'passed' }], []])
    expect(report.results).toEqual(NAMES.map((test) => ({ test, outcome: 'passed' })))
    expect(reports).toEqual([report])
    expect(report.host).toBe('memory')
  })

  it('works without a report callback', async () => {
    const { runner, tests } = fakeRunner()

    const report = describeHost('memory', good, { ...runner, clock: new FastClock() })

    expect(await runAll(tests)).toEqual([])
    expect(report.results).toHaveLength(NAMES.length)
  })

  it('reports the failed tests of a faulty host, with the errors', async () => {
    const { runner, tests } = fakeRunner()
    const failing = { start: () => Promise.reject(new Error('the port is taken')) }

    const report = describeHost('broken', failing, runner)

    await expect(tests[0]?.run()).rejects.toThrow('the port is taken')
    expect(report.results).toEqual([{ test: NAMES[0], outcome: 'failed', error: new Error('the port is taken') }])
  })

  it('waits as long as configured', async () => {
    const { runner, tests } = fakeRunner()
    describeHost('silent', { start: () => new Promise(() => {}) }, { ...runner, deadlineMs: 70, clock: new FastClock() })

    await expect(tests[0]?.run()).rejects.toThrow('Expected that the server starts within 70 ms, but it did not happen')
  })

  it('registers a skipped test with it.skip, with the reason in its title, and reports it from the start', async () => {
    const { runner, tests, skipped } = fakeRunner()
    const reports: HostReport[] = []
    const skip = [{ reason: 'one port alone', tests: ['keeps two servers apart'] }] as const

    const report = describeHost('memory', good, { ...runner, clock: new FastClock(), skip, report: (each) => reports.push(each) })
    const atFirst = report.results
    await runAll(tests)

    expect(skipped.map(({ title }) => title)).toEqual(['keeps two servers apart (skipped: one port alone)'])
    expect(tests.map(({ title }) => title)).toEqual(NAMES.filter((name) => name !== 'keeps two servers apart'))
    expect(atFirst).toEqual([{ test: 'keeps two servers apart', outcome: 'skipped', reason: 'one port alone' }])
    expect(report.results.map(({ outcome }) => outcome).filter((outcome) => outcome !== 'passed')).toEqual(['skipped'])
    expect(reports).toEqual([report])
    await expect(skipped[0]?.run()).resolves.toBeUndefined()
  })

  it('registers a skipped test as an empty test if there is no it.skip', async () => {
    const { runner, tests } = fakeRunner()
    const it = (...test: Parameters<TestRunner['it']>) => runner.it(...test)
    const skip = [{ reason: 'clients cannot pause', tests: SKIPPABLE }]

    describeHost('memory', { start: () => expect.fail('nothing is to start') }, { describe: runner.describe, it, skip })
    const registered = tests.filter(({ title }) => title.includes('skipped'))

    expect(registered.map(({ title }) => title)).toEqual(SKIPPABLE.map((name) => `${name} (skipped: clients cannot pause)`))
    expect(await runAll(registered)).toEqual([])
  })

  it.each<[what: string, skip: unknown, says: string]>([
    ['a skip without a reason', [{ tests: SKIPPABLE }], 'Invalid skip: a reason is required for keeps two servers apart'],
    ['a skip whose reason is blank', [{ reason: ' ', tests: SKIPPABLE }], 'Invalid skip: a reason is required'],
    ['a skip of an unknown test', [{ reason: 'why not', tests: ['is fast'] }], 'Invalid skip: unknown test "is fast"'],
    ...NAMES.filter((name) => !SKIPPABLE.includes(name as SkippableHostTest)).map((name): [string, unknown, string] => [
      `a skip of "${name}"`,
      [{ reason: 'too hard', tests: [name] }],
      `Invalid skip: test "${name}" cannot be skipped`,
    ]),
  ])('refuses %s, and registers nothing', (_, skip, says) => {
    const { runner, suites, tests } = fakeRunner()

    expect(() => describeHost('memory', good, { ...runner, skip: skip as DescribeHostOptions['skip'] })).toThrow(says)
    expect([suites, tests]).toEqual([[], []])
  })

  it('does not allow acceptance, exact delivery, privacy and clean-up to be skipped', () => {
    expect(SKIPPABLE).toEqual([
      'keeps two servers apart',
      'tells a client why it is removed',
      'ends the subscription that a client gives up',
      'carries out what a client asks for that client alone',
      'goes on serving whatever text a client sends',
      'goes on serving whatever bytes a client sends',
      'registers no client that left before it was accepted',
      'removes a client that falls silent',
      'holds a stuck client back until it reads again',
      'ends a client that stays stuck',
      'lets no answers pile up for a client that does not read',
      'cleans up after a stuck client that vanishes',
    ])
  })

  it('accepts the runners that exist, and only test names that may be skipped', () => {
    expectTypeOf({ describe, it }).toExtend<TestRunner>()
    expectTypeOf({ describe: nodeTest.describe, it: nodeTest.it }).toExtend<TestRunner>()
    expectTypeOf<EssentialHostTest>().not.toExtend<SkippableHostTest>()
    expectTypeOf<EssentialHostTest | SkippableHostTest>().toEqualTypeOf<HostTestName>()
    expectTypeOf<{ reason: string; tests: ['keeps two servers apart'] }[]>().toExtend<NonNullable<DescribeHostOptions['skip']>>()
    expectTypeOf<{ reason: string; tests: ['sends to one user alone'] }[]>().not.toExtend<NonNullable<DescribeHostOptions['skip']>>()
  })
})
