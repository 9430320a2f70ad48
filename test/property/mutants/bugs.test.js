import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { bugsIn, partOf } from './bug.js'
import { reportOf, Trial, tryAll } from './trial.js'

const SUM = `// Adds up.

export function sum(numbers) {
  let sum = 0
  for (const number of numbers) sum += number
  return sum
}
`

/** A bug in what `SUM` is, `lines` of it, and what stands above the diff. */
function patchOf({ sentence = 'The last number is left out.', file = 'src/sum.js', was = '  for (const number of numbers) sum += number' } = {}) {
  return `${sentence}

--- a/${file}
+++ b/${file}
@@ -3,5 +3,5 @@
 export function sum(numbers) {
   let sum = 0
-${was}
+  for (const number of numbers.slice(0, -1)) sum += number
   return sum
 }
`
}

let folder
let trees
let tried

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bugs-'))
  trees = { changed: join(folder, 'changed'), clean: join(folder, 'clean') }
  for (const tree of Object.values(trees)) {
    mkdirSync(join(tree, 'src'), { recursive: true })
    writeFileSync(join(tree, 'src/sum.js'), SUM)
  }
  tried = []
})

afterEach(() => rmSync(folder, { recursive: true }))

const textOf = (tree) => readFileSync(join(tree, 'src/sum.js'), 'utf8')

/** A suite that notices the bug of `patchOf`, or nothing. */
function suite(name, { isAttentive = true } = {}) {
  return {
    name,
    async run(tree, changedFiles) {
      tried.push([name, tree === trees.clean ? 'clean' : 'changed', ...changedFiles])
      return isAttentive && textOf(tree).includes('slice') ? { by: `${name} adds up` } : undefined
    },
  }
}

const broken = { name: 'broken', run: async () => ({ by: 'always' }) }

/** Tries the patches, and returns what was printed and whether all bugs were noticed. */
async function outcomeOf(patches, suites, options) {
  for (const [name, text] of Object.entries(patches)) writeFileSync(join(folder, `${name}.patch`), text)
  const printed = []
  const areAllKilled = await tryAll(bugsIn(folder), new Trial(suites, trees), (line) => printed.push(line), options)
  return { printed, areAllKilled }
}

describe('a bug', () => {
  it('is killed by the first suite that fails with it, and reported with the failed test', async () => {
    const { printed, areAllKilled } = await outcomeOf({ short: patchOf() }, [suite('sleepy', { isAttentive: false }), suite('unit'), suite('late')])

    assert.match(printed[0], /^killed {4}short by unit: unit adds up \(\d+\.\d s\)$/)
    assert.equal(printed[1], '1 bugs: 1 killed, 0 survived')
    assert.equal(areAllKilled, true)
    assert.equal(tried.some(([name]) => name === 'late'), false)
  })

  it('survives if no suite fails with it, and is reported by its first line', async () => {
    const { printed, areAllKilled } = await outcomeOf({ short: patchOf() }, [suite('sleepy', { isAttentive: false })])

    assert.match(printed[0], /^SURVIVED {2}short: The last number is left out\./)
    assert.equal(areAllKilled, false)
  })

  it('is tried by every suite on request', async () => {
    const suites = [suite('unit'), suite('sleepy', { isAttentive: false }), suite('late')]

    const { printed } = await outcomeOf({ short: patchOf() }, suites, { byEachSuite: true })

    assert.match(printed[0], /unit: unit adds up\n +sleepy: not noticed\n +late: late adds up/)
  })

  it('is passed to a suite with the names of the files that it changes', async () => {
    await outcomeOf({ short: patchOf() }, [suite('unit')])

    assert.deepEqual(tried, [['unit', 'clean'], ['unit', 'changed', 'src/sum.js']])
  })

  it('is removed from the tree before the next one', async () => {
    await outcomeOf({ one: patchOf(), other: patchOf() }, [suite('unit')])

    assert.equal(textOf(trees.changed), SUM)
  })

  it('is removed from the tree if a suite throws', async () => {
    const throwing = { name: 'throwing', run: async () => Promise.reject(new Error('no packages')) }

    await assert.rejects(outcomeOf({ short: patchOf() }, [throwing]), /no packages/)

    assert.equal(textOf(trees.changed), SUM)
  })

  it('proves nothing if a suite fails without it', async () => {
    await assert.rejects(outcomeOf({ short: patchOf() }, [broken]), /"broken" fails without a bug: always/)
  })

  for (const [what, patch, problem] of [
    ['that no longer applies', patchOf({ was: '  sum += numbers' }), /it does not apply any more: .*src\/sum\.js/],
    ['in a file that no longer exists', patchOf({ file: 'src/gone.js' }), /it does not apply any more/],
    ['in the tests', patchOf({ file: 'test/sum.test.js' }), /it must change files of src, and no others/],
    ['without a change', 'Nothing is wrong.\n', /it must change files of src, and no others/],
    ['without a first line that describes it', patchOf().split('\n').slice(2).join('\n'), /its first line does not say what is wrong/],
    ['with an empty first line', patchOf({ sentence: '' }), /its first line does not say what is wrong/],
  ]) {
    it(`${what} is a problem, and no suite runs`, async () => {
      const { printed, areAllKilled } = await outcomeOf({ short: patch }, [suite('unit')])

      assert.match(printed[0], /^PROBLEM {3}short: /)
      assert.match(printed[0], problem)
      assert.equal(areAllKilled, false)
      assert.deepEqual(tried, [])
    })
  }

  it('still applies if its lines have moved', async () => {
    for (const tree of Object.values(trees)) writeFileSync(join(tree, 'src/sum.js'), `// Another line.\n\n${SUM}`)

    const { areAllKilled } = await outcomeOf({ short: patchOf() }, [suite('unit')])

    assert.equal(areAllKilled, true)
  })
})

describe('reportOf', () => {
  it('lists a bug that was not tried as one that was not noticed', () => {
    assert.equal(reportOf({ name: 'a', sentence: 'b' }, { problem: 'c', verdicts: [] }).isKilled, false)
    assert.equal(reportOf({ name: 'a', sentence: 'b' }, { verdicts: [] }).isKilled, false)
  })
})

describe('the command', () => {
  const run = (...options) => {
    const { status, stdout, stderr } = spawnSync('node', ['bugs.js', ...options], { cwd: fileURLToPath(new URL('.', import.meta.url)), encoding: 'utf8' })
    return { status, text: stdout + stderr }
  }

  it('exits with 1 if a bug cannot be applied', () => {
    writeFileSync(join(folder, 'gone.patch'), patchOf())

    const { status, text } = run('--dir', folder)

    assert.equal(status, 1)
    assert.match(text, /PROBLEM {3}gone: it does not apply any more/)
  })

  for (const [what, options, message] of [
    ['an unknown bug', ['no-such-bug'], /There is no .*no-such-bug\.patch/],
    ['an unknown option', ['--everything'], /Unknown option/],
    ['an unknown folder', ['--dir', 'nowhere'], /nowhere/],
  ]) {
    it(`exits with 2 for ${what}`, () => {
      const { status, text } = run(...options)

      assert.equal(status, 2)
      assert.match(text, message)
    })
  }

  it('exits with 2 for a folder without bugs', () => {
    assert.equal(run('--dir', folder).status, 2)
  })

  it('prints its usage', () => {
    const { status, text } = run('--help')

    assert.equal(status, 0)
    assert.match(text, /^Usage: /)
  })
})

describe('partOf', () => {
  it('shares the bugs out: each is in one part', () => {
    const bugs = ['a', 'b', 'c', 'd', 'e']

    assert.deepEqual([1, 2].map((k) => partOf(bugs, `${k}/2`)), [['a', 'c', 'e'], ['b', 'd']])
    assert.deepEqual(partOf(bugs, '1/1'), bugs)
  })

  for (const part of ['0/2', '3/2', '1', 'a/b', '1/0', '']) {
    it(`refuses ${JSON.stringify(part)}`, () => assert.throws(() => partOf([], part), /There is no part/))
  }
})
