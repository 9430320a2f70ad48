// Stryker's runner for vitest, but for two things that vitest fails a run for and this runner takes for nothing: a test file that
// cannot be loaded, because src throws when it is, and an error outside of any test, such as a rejection that nobody handled.
import { declareFactoryPlugin, PluginKind } from '@stryker-mutator/api/plugin'
import { MutantRunStatus } from '@stryker-mutator/api/test-runner'
import { strykerPlugins as vitestPlugins } from '@stryker-mutator/vitest-runner'

export { strykerValidationSchema } from '@stryker-mutator/vitest-runner'

const [{ factory: createVitestRunner }] = vitestPlugins

createAttentiveRunner.inject = createVitestRunner.inject

export const strykerPlugins = [declareFactoryPlugin(PluginKind.TestRunner, 'attentive-vitest', createAttentiveRunner)]

function createAttentiveRunner(injector) {
  const runner = createVitestRunner(injector)
  const runMutant = runner.mutantRun.bind(runner)
  runner.mutantRun = async (options) => {
    const result = await runMutant(options)
    const failure = failureBehind(result, runner.ctx.state.getFiles())
    return failure === undefined ? result : { status: MutantRunStatus.Killed, failureMessage: failure, killedBy: options.testFilter?.slice(0, 1) ?? [], nrOfTests: 0 }
  }
  return runner
}

const OUTSIDE_OF_TESTS = 'An error occurred outside of a test run'

/** What failed, in a run in which no test did. */
export function failureBehind({ status, errorMessage }, files) {
  if (status === MutantRunStatus.Error && errorMessage.startsWith(OUTSIDE_OF_TESTS)) return errorMessage
  if (status !== MutantRunStatus.Survived) return undefined
  const failed = files.find(({ result }) => result?.state === 'fail')
  return failed && `${failed.name} could not be loaded: ${failed.result.errors?.[0]?.message}`
}
