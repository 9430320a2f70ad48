import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import babel from '@babel/core'
import { REASON, strykerPlugins } from './messages.js'

/** The texts of a program that the ignorer leaves alone. */
function leftAlone(program) {
  const [{ value: ignorer }] = strykerPlugins
  const texts = []
  const ast = babel.parseSync(program, { configFile: false })
  babel.traverse(ast, {
    enter(path) {
      const reason = ignorer.shouldIgnore(path)
      if (reason === undefined) return
      assert.equal(reason, REASON)
      texts.push(program.slice(path.node.start, path.node.end))
      path.skip()
    },
  })
  return texts
}

describe('messages of errors', () => {
  for (const [what, program, texts] of [
    ['the message of an error of the library', `throw new ConnectionManagerError('ERR_CLOSED', 'Closed', { userId: 'x' })`, [`'Closed'`]],
    ['the message of any other error', `throw new Error('Closed')`, [`'Closed'`]],
    ['a whole template', 'throw new Error(`No ${names.join(", ")}`)', ['`No ${names.join(", ")}`']],
    ['either branch of a choice, but not its condition', `throw new Error(x === 'y' ? 'one' : 'two')`, [`'one'`, `'two'`]],
    ['a variable that becomes a message', `const message = 'Closed'; throw new Error(message)`, [`'Closed'`]],
    ['a variable that becomes a part of a message', "const what = 'it'; throw new Error(`Closed: ${what}`)", [`'it'`, '`Closed: ${what}`']],
    ['a parameter that becomes a message', "refuse('audience', 'is wrong'); function refuse(option, what) { throw new ConnectionManagerError('ERR', `${option} ${what}`, { option }) }", [`'is wrong'`, '`${option} ${what}`']],
    ['a parameter of a function in a variable', "const refuse = (what) => { throw new Error(what) }; refuse('wrong')", [`'wrong'`]],
    ['a parameter that is passed on', "const refusal = (what) => new Error(what); const refuse = (what) => { throw refusal(what) }; refuse('wrong')", [`'wrong'`]],
    ['an argument that a function of another file puts into a message', "import { asIdentifier } from './identifier.ts'; asIdentifier(id, 'userId')", [`'userId'`]],
    ['what is wrong with an option, but not its name', "import { invalidOption } from '../guards/option-values.ts'; throw invalidOption('clock', 'is wrong')", [`'is wrong'`]],
    ['a table of messages', "const REASONS = { a: (limit) => `more than ${limit}`, b: () => 'none' }; throw new Error(REASONS[name](1))", ['`more than ${limit}`', `'none'`]],
  ]) {
    it(`are left alone: ${what}`, () => {
      assert.deepEqual(leftAlone(program), texts)
    })
  }

  for (const [what, program] of [
    ['the code of an error', `throw new ConnectionManagerError('ERR_CLOSED', message)`],
    ['the facts of an error', `throw new ConnectionManagerError('ERR_CLOSED', message, { option: 'clock' })`],
    ['a variable that has another use', `const name = 'clock'; throw new ConnectionManagerError(name, name)`],
    ['an unused variable', `const message = 'Closed'`],
    ['a variable that changes', `let message = 'Closed'; message = other; throw new Error(message)`],
    ['a parameter that also becomes a fact', `refuse('clock'); function refuse(option) { throw new ConnectionManagerError('ERR', option, { option }) }`],
    ['a compared value', `if (kind === 'gap') throw new Error(kind)`],
    ['an array from which a message is taken', `const names = ['a', 'b']; throw new Error(names[0])`],
    ['an argument of any other imported function', `import { invalid } from './option.ts'; throw invalid('clock')`],
    ['an argument of an unknown function', `throw invalid('clock')`],
    ['the value that such a function checks', `import { asIdentifier } from './identifier.ts'; asIdentifier('alice', name)`],
    ['another class with a similar name', `new TypeErrors('text')`],
  ]) {
    it(`do not excuse ${what}`, () => {
      assert.deepEqual(leftAlone(program), [])
    })
  }
})
