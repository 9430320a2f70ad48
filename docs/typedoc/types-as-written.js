import { Converter } from 'typedoc'

/**
 * A plugin that shows the types of a signature as they are written: `ValidMessage<TStreams>`, and not all that it comes to.
 *
 * @param {import('typedoc').Application} app
 */
export function typesAsWritten(app) {
  app.converter.on(Converter.EVENT_CREATE_SIGNATURE, (context, signature, declaration) => {
    const inSignature = context.withScope(signature)
    if (declaration?.type !== undefined) signature.type = rewritten(inSignature, signature.type, declaration.type)
    for (const [i, { constraint }] of (declaration?.typeParameters ?? []).entries()) {
      const parameter = signature.typeParameters?.[i]
      if (parameter !== undefined && constraint !== undefined) parameter.type = rewritten(inSignature, parameter.type, constraint)
    }
  })
}

/**
 * @param {import('typedoc').Context} context
 * @param {import('typedoc').SomeType | undefined} type what it came to
 * @param {import('typescript').Node} node
 */
function rewritten(context, type, node) {
  context.project.removeTypeReflections(type)
  return context.converter.convertType(context, /** @type {import('typescript').TypeNode} */ (node))
}
