// A bug that was thought up: a unified diff against src, and above it a sentence that says what is wrong then.
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'

/** @typedef {{ name: string, path: string, sentence: string, files: string[] }} Bug */

/** @returns {Bug[]} the bugs of a folder, or those of these names; in the order of their names */
export function bugsIn(folder, names = []) {
  const all = readdirSync(folder)
    .filter((file) => file.endsWith('.patch'))
    .sort()
    .map((file) => readBug(resolve(folder, file)))
  if (all.length === 0) throw new Error(`There are no bugs in ${folder}`)
  const unknown = names.filter((name) => !all.some((bug) => bug.name === name))
  if (unknown.length > 0) throw new Error(`There is no ${unknown.map((name) => `${join(folder, name)}.patch`).join(', no ')}`)
  return names.length === 0 ? all : all.filter(({ name }) => names.includes(name))
}

/** @returns {Bug[]} every `n`-th bug from the `k`-th on, for a `part` such as `2/4` */
export function partOf(/** @type {Bug[]} */ bugs, part) {
  const [, k, n] = (/^(\d+)\/(\d+)$/.exec(part) ?? []).map(Number)
  if (!(k >= 1 && k <= n)) throw new Error(`There is no part ${part}: expected K/N, with K from 1 to N`)
  return bugs.filter((_bug, i) => i % n === k - 1)
}

function readBug(path) {
  const text = readFileSync(path, 'utf8')
  const files = [...text.matchAll(/^\+\+\+ b\/(\S+)/gm)].map(([, file]) => file)
  return { name: basename(path, '.patch'), path, sentence: text.split('\n')[0].trim(), files }
}

/** Puts a bug into a tree. @returns {string | undefined} why it could not */
export function putInto(tree, /** @type {Bug} */ { path, files, sentence }) {
  if (sentence === '' || /^(diff|---|index) /.test(sentence)) return 'its first line does not say what is wrong'
  if (files.length === 0 || !files.every((file) => file.startsWith('src/'))) return 'it must change files of src, and no others'
  const { status, stderr } = gitApply(tree, [path])
  return status === 0 ? undefined : `it does not apply any more: ${stderr.trim()}`
}

/** Takes a bug out of a tree again. */
export function takeOutOf(tree, /** @type {Bug} */ { path }) {
  const { status, stderr } = gitApply(tree, ['--reverse', path])
  if (status !== 0) throw new Error(`${path} could not be taken out again: ${stderr}`)
}

function gitApply(tree, options) {
  // Whatever repository the temporary folder may lie in is none of ours.
  const env = { ...process.env, GIT_CEILING_DIRECTORIES: dirname(tree) }
  return spawnSync('git', ['apply', '--recount', '--whitespace=nowarn', ...options], { cwd: tree, env, encoding: 'utf8' })
}
