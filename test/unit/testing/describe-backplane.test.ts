import { describe, expect, expectTypeOf, it } from 'vitest'
import { backplaneTests, type BackplaneTestName, type EssentialBackplaneTest, type SkippableBackplaneTest } from '../../../src/testing/backplane-tests.ts'
import { describeBackplane, type BackplaneReport } from '../../../src/testing/describe-backplane.ts'
import { BreakableDriver, harnessOfDriver } from './breakable-broker.ts'
import { FastClock } from './fast-clock.ts'

const NAMES = backplaneTests.map(({ name }) => name)
const FROZEN = 'closes while the broker is frozen'

/** A runner that runs the tests one after the other when it is asked to. */
function manualRunner() {
  const tests: { readonly title: string; readonly run: () => Promise<void> }[] = []
  const skipped: string[] = []
  const register = (title: string, run: () => Promise<void>): void => void tests.push({ title, run })
  const suites: string[] = []
  const runner = {
    describe(name: string, body: () => void) {
      suites.push(name)
      body()
    },
    it: Object.assign(register, { skip: (title: string) => void skipped.push(title) }),
  }
  const runAll = async (): Promise<void> => {
    for (const { run } of tests) await run().catch(() => {})
  }
  return { runner, suites, tests, skipped, runAll }
}

describe('describeBackplane', () => {
  it('registers every test under the name of the driver', () => {
    const { runner, suites, tests } = manualRunner()

    describeBackplane('my broker', harnessOfDriver(), runner)

    expect(suites).toEqual(['my broker'])
    expect(tests.map(({ title }) => title)).toEqual(NAMES)
  })

  it('registers a skipped test with its reason, and reports it', async () => {
    const { runner, skipped, runAll } = manualRunner()
    const reports: BackplaneReport[] = []

    const report = describeBackplane('my broker', harnessOfDriver(), {
      ...runner,
      clock: new FastClock(),
      skip: [{ reason: 'it cannot be frozen', tests: [FROZEN] }],
      report: (each) => reports.push(each),
    })
    await runAll()

    expect(skipped).toEqual([`${FROZEN} (skipped: it cannot be frozen)`])
    expect(reports).toEqual([report])
    expect(report.results.map(({ test, outcome }) => [test, outcome])).toEqual(NAMES.map((name) => [name, name === FROZEN ? 'skipped' : 'passed']))
  })

  it('reports a test that fails, with its error', async () => {
    class Deaf extends BreakableDriver {
      override async subscribers(): Promise<number> {
        return 0
      }
    }
    const { runner, runAll } = manualRunner()

    const report = describeBackplane('a deaf broker', harnessOfDriver((broker) => new Deaf(broker)), { ...runner, clock: new FastClock() })
    await runAll()

    const failed = report.results.filter(({ outcome }) => outcome === 'failed')
    expect(failed).toEqual([{ test: 'counts the subscribers of a subject', outcome: 'failed', error: expect.any(Error) as Error }])
  })

  it.each([
    ['has no reason', [{ reason: ' ', tests: [FROZEN] }]],
    ['names a test that does not exist', [{ reason: 'no', tests: ['flies'] }]],
    ['names a test that cannot be skipped', [{ reason: 'no', tests: [NAMES[0]] }]],
  ])('refuses a skip that %s', (_, skip) => {
    const { runner, suites } = manualRunner()

    expect(() => describeBackplane('my broker', harnessOfDriver(), { ...runner, skip: skip as never })).toThrow(/^Invalid skip/)
    expect(suites).toEqual([])
  })

  it('names each test in a type', () => {
    expectTypeOf<BackplaneTestName>().toEqualTypeOf<EssentialBackplaneTest | SkippableBackplaneTest>()
    expectTypeOf<BackplaneReport['results'][number]['test']>().toEqualTypeOf<BackplaneTestName>()
  })
})
