// An ignorer of Stryker's: leaves the texts of error messages alone.
//
// Errors are told apart by `code` and by their facts, which tests assert; what the message says is prose, which they do not.
// A text counts as a message when nothing but a message can come of it: it is the message of an error, or is given to a
// variable or a parameter that is used for messages alone. Found by where the text goes, not by how it looks.
import { declareValuePlugin, PluginKind } from '@stryker-mutator/api/plugin'

export const REASON = 'The text of an error message: tests assert the code and the facts.'

/** Error class → which argument of its constructor is the message. */
const MESSAGE_OF = { Error: 0, ConnectionManagerError: 1 }

/** Function of another file → which argument it puts into a message, and nowhere else. */
const PART_OF_MESSAGE_OF = { asIdentifier: 1, invalidOption: 1 }

export const strykerPlugins = [declareValuePlugin(PluginKind.Ignore, 'error-messages', createIgnorer())]

function createIgnorer() {
  const messages = new WeakSet()
  return {
    shouldIgnore(path) {
      // All at once, before Stryker changes the tree: later, its own additions would be in the way.
      if (path.isProgram()) noteMessages(path, messages)
      return messages.has(path.node) ? REASON : undefined
    },
  }
}

function noteMessages(program, messages) {
  const note = (path) => {
    if (isForMessages(path)) messages.add(path.node)
  }
  program.traverse({ StringLiteral: note, TemplateLiteral: note })
}

/** Whether all that becomes of a value is a message, or a part of one. */
function isForMessages(path) {
  const { parentPath: parent, listKey, key } = path
  if (isPartOf(path, parent)) return isForMessages(parent)
  if (parent.isNewExpression()) return listKey === 'arguments' && MESSAGE_OF[parent.node.callee.name] === key
  if (parent.isVariableDeclarator()) return parent.get('id').isIdentifier() && isUsedForMessages(parent.scope, parent.node.id.name)
  if (parent.isCallExpression() && listKey === 'arguments') return isParameterForMessages(parent, key)
  return false
}

/** Whether the value of `parent` is this one, or has it inside. */
function isPartOf({ key, listKey }, parent) {
  return (
    (parent.isTemplateLiteral() && listKey === 'expressions') ||
    (parent.isConditionalExpression() && key !== 'test') ||
    (parent.isArrowFunctionExpression() && key === 'body') ||
    (parent.isObjectProperty() && key === 'value') ||
    parent.isObjectExpression() ||
    (parent.isMemberExpression() && key === 'object') ||
    (parent.isCallExpression() && key === 'callee')
  )
}

function isParameterForMessages(call, index) {
  const callee = call.get('callee')
  if (!callee.isIdentifier()) return false
  const called = call.scope.getBinding(callee.node.name)?.path
  if (called?.isImportSpecifier()) return PART_OF_MESSAGE_OF[callee.node.name] === index
  const declared = called?.isVariableDeclarator() ? called.get('init') : called
  if (!declared?.isFunction()) return false
  const parameter = declared.get(`params.${index}`)
  return parameter.isIdentifier() && isUsedForMessages(declared.scope, parameter.node.name)
}

function isUsedForMessages(scope, name) {
  const { referencePaths = [], constant } = scope.getBinding(name) ?? {}
  return constant === true && referencePaths.length > 0 && referencePaths.every(isForMessages)
}
