// Fails when a mutant of src survived that `survivors.json` does not account for, when `survivors.json` accounts for one that
// did not, and when too few were killed. Reads what Stryker reported.
import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { REASON } from './messages.js'

/** Of all mutants, those that count as equivalent included. */
const LOWEST_SCORE = 95

/**
 * @typedef {{ file: string, line: string, mutator: string, original: string, replacement: string }} Mutant told apart by what is
 * written, not by where: it may move. `line` is the one that it begins in.
 * @typedef {Mutant & { number: number, status: string, why: string | undefined }} Result
 * @typedef {Mutant & { reason: string }} Account why nobody could notice a mutant
 */

/** @returns {Result[]} the mutants of a report of Stryker's, by file and line */
export function resultsIn({ files }) {
  return Object.entries(files).flatMap(([file, { source, mutants }]) => {
    const lines = source.split('\n')
    return mutants.map(({ location, mutatorName, replacement, status, statusReason }) => ({
      file,
      line: lines[location.start.line - 1].trim(),
      number: location.start.line,
      mutator: mutatorName,
      original: shortened(textAt(lines, location)),
      replacement: shortened(replacement),
      status,
      why: statusReason,
    }))
  })
}

/** The text of a place in a file; both ends count from 1, and the second is not part of it. */
function textAt(lines, { start, end }) {
  const text = lines.slice(start.line - 1, end.line)
  text[text.length - 1] = text.at(-1).slice(0, end.column - 1)
  text[0] = text[0].slice(start.column - 1)
  return text.join('\n')
}

/** On one line, shortened to a length that still identifies it. */
function shortened(text) {
  const onOneLine = text.replaceAll(/\s+/g, ' ')
  return onOneLine.length > 120 ? `${onOneLine.slice(0, 119)}…` : onOneLine
}

const KILLED = ['Killed', 'Timeout']
const SURVIVED = ['Survived', 'NoCoverage']

/** @returns the share of mutants that were noticed, in percent; those that could not run at all are none */
export function scoreOf(/** @type {Result[]} */ results) {
  const killed = results.filter(({ status }) => KILLED.includes(status)).length
  const survived = results.filter(({ status }) => SURVIVED.includes(status)).length
  return killed + survived === 0 ? 100 : (killed / (killed + survived)) * 100
}

/** @returns {string[]} what is wrong with the account, or with the run */
export function objectionsTo(/** @type {Result[]} */ results, /** @type {Account[]} */ accounts) {
  const unused = [...accounts]
  const unaccounted = results
    .filter(({ status }) => SURVIVED.includes(status))
    .filter((result) => {
      // One account is for one mutant: two alike on one line take two.
      const found = unused.findIndex((account) => isFor(account, result))
      if (found !== -1) unused.splice(found, 1)
      return found === -1
    })
  const score = scoreOf(results)
  return [
    ...unaccounted.map((result) => `${result.file}:${result.number} ${describeChange(result)} survived`),
    ...unused.map((account) => `survivors.json lists a mutant that did not survive, in ${account.file}: ${describeChange(account)}, line: ${account.line}`),
    ...accounts.filter(({ reason }) => !reason?.trim()).map((account) => `survivors.json gives no reason for ${account.file}: ${describeChange(account)}`),
    ...results.filter(({ status, why }) => status === 'Ignored' && why !== REASON).map((result) => `${result.file}:${result.number} ${describeChange(result)} was left out: ${result.why}`),
    ...(score < LOWEST_SCORE ? [`The score is ${score.toFixed(2)} %, below ${LOWEST_SCORE} %`] : []),
  ]
}

function isFor(account, result) {
  return ['file', 'line', 'mutator', 'original', 'replacement'].every((field) => account[field] === result[field])
}

function describeChange({ mutator, original, replacement }) {
  return `${mutator} "${original}" → "${replacement}"`
}

/** Prints the results of the mutants for each file, and the objections. @returns {boolean} whether there are none */
export function check(/** @type {Result[]} */ results, /** @type {Account[]} */ accounts, tell = console.log) {
  const files = new Set(results.map(({ file }) => file))
  for (const name of files) tell(`${summaryOf(results.filter(({ file }) => file === name))}  ${name}`)
  const objections = objectionsTo(results, accounts)
  for (const objection of objections) tell(objection)
  tell(`${summaryOf(results)}  in total; ${accounts.length} survivors listed, ${objections.length} objections`)
  return objections.length === 0
}

function summaryOf(results) {
  const count = (...statuses) => results.filter(({ status }) => statuses.includes(status)).length
  const counts = [
    `${results.length} mutants`,
    `${count('Killed')} killed`,
    `${count('Timeout')} timed out`,
    `${count(...SURVIVED)} survived`,
    `${count('Ignored')} left out`,
    `${count('RuntimeError', 'CompileError')} could not run`,
  ]
  return `${scoreOf(results).toFixed(2)} %: ${counts.join(', ')}`
}

/** What was reported of these files or folders of src; of all, when none are given. */
export function reported(paths = []) {
  const read = (name) => JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8'))
  const isAsked = ({ file }) => paths.length === 0 || paths.some((path) => file === path || file.startsWith(`${path}/`))
  return { results: resultsIn(read('report/mutation.json')).filter(isAsked), accounts: read('survivors.json').filter(isAsked) }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { results, accounts } = reported(process.argv.slice(2))
  if (!check(results, accounts)) process.exitCode = 1
}
