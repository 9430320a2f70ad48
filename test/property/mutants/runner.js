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
    const { state } = runner.ctx
    state.errorsSet.clear()
    // Where there is one outside of any test, it throws, or answers with that, as the error can be shown or not.
    const result = await runMutant(options).catch((error) => ({ status: MutantRunStatus.Error, errorMessage: error.message }))
    const failure = failureBehind(result, state)
    if (failure === undefined) return result
    return { status: MutantRunStatus.Killed, failureMessage: failure, killedBy: options.testFilter?.slice(0, 1) ?? [], nrOfTests: 0 }
  }
  return runner
}

/** What failed, in a run in which no test did. */
export function failureBehind({ status, errorMessage }, { errorsSet, filesMap }) {
  if (status === MutantRunStatus.Error) return errorsSet.size > 0 ? `Outside of any test: ${errorMessage}` : undefined
  if (status !== MutantRunStatus.Survived) return undefined
  const failed = [...filesMap.values()].flat().find(({ result }) => result?.state === 'fail')
  return failed && `${failed.name} could not be loaded: ${failed.result.errors?.[0]?.message}`
}
