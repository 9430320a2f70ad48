import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { failureBehind } from './runner.js'

const stateOf = ({ errors = [], files = [] } = {}) => ({ errorsSet: new Set(errors), filesMap: new Map(files.map((file) => [file.name, [file]])) })
const loaded = { name: 'a.test.ts', result: { state: 'pass' } }
const broken = { name: 'b.test.ts', result: { state: 'fail', errors: [{ message: 'streams is not defined' }] } }

describe('a run without a failed test', () => {
  it('kills a mutant if a file could not be loaded', () => {
    assert.equal(failureBehind({ status: 'survived' }, stateOf({ files: [loaded, broken] })), 'b.test.ts could not be loaded: streams is not defined')
  })

  it('kills a mutant if there was an error outside of tests', () => {
    const failure = failureBehind({ status: 'error', errorMessage: 'boom' }, stateOf({ errors: [new Error('boom')], files: [loaded] }))

    assert.equal(failure, 'Outside of any test: boom')
  })

  it('kills nothing if all is well', () => {
    assert.equal(failureBehind({ status: 'survived' }, stateOf({ files: [loaded] })), undefined)
  })

  it('kills nothing if the runner itself failed', () => {
    assert.equal(failureBehind({ status: 'error', errorMessage: 'no such file' }, stateOf({ files: [loaded] })), undefined)
  })

  it('is unchanged if it took too long, or if a test failed after all', () => {
    for (const status of ['timeout', 'killed']) assert.equal(failureBehind({ status }, stateOf({ files: [broken] })), undefined)
  })
})
