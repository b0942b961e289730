/**
 * What TypeDoc needs to know of this package. Services and errors are classes whose base is made by a call: their members
 * are theirs, not inherited ones. And every export and member has to be documented, with tags where an entry names the
 * file.
 */
import { readFileSync } from "node:fs"
import {
  type Application,
  Comment,
  CommentTag,
  type Context,
  Converter,
  DeclarationReflection,
  MinimalSourceFile,
  normalizePath,
  PageEvent,
  type ProjectReflection,
  type Reflection,
  ReflectionKind,
  type SomeType
} from "typedoc"
import ts from "typescript"
import { namedFiles } from "./Entries.ts"

const kinds = ReflectionKind

/** Members whose names say what they are; those of all errors among them. */
const selfExplaining = new Set(["_tag", "message", "hint", "name", "app", "at", "path", "toString", "toJSON"])

const required = ["@category", "@since", "@stability"] as const

const commentsOf = (reflection: DeclarationReflection): ReadonlyArray<Comment> =>
  [
    reflection.comment,
    ...(reflection.signatures ?? []).map((signature) => signature.comment),
    reflection.getSignature?.comment,
    reflection.setSignature?.comment,
    reflection.type?.type === "reflection" ? reflection.type.declaration.signatures?.[0]?.comment : undefined
  ].filter((comment) => comment !== undefined)

const isNamed = (context: Context, reflection: DeclarationReflection): boolean =>
  context.getSymbolFromReflection(reflection)?.declarations?.some((each) =>
    namedFiles.has(each.getSourceFile().fileName)
  )
    === true

const complaints = (context: Context, reflection: DeclarationReflection): ReadonlyArray<string> => {
  const comments = commentsOf(reflection)
  const isExport = reflection.parent?.kindOf([kinds.Module, kinds.Namespace]) === true
  const isDocumented = comments.some((comment) => comment.hasVisibleComponent() && comment.summary.length > 0)
  const isModule = reflection.kindOf([kinds.Module, kinds.Namespace])
  return [
    ...(isDocumented || (!isExport && selfExplaining.has(reflection.name)) ? [] : ["a summary"]),
    ...(isExport && !isModule && isNamed(context, reflection) ? required : []).filter((tag) =>
      !comments.some((comment) => comment.getTag(tag) !== undefined)
    )
  ]
}

const isInternal = (reflection: Reflection): boolean =>
  (reflection instanceof DeclarationReflection &&
    commentsOf(reflection).some((each) => each.hasModifier("@internal"))) ||
  (reflection.parent !== undefined && isInternal(reflection.parent))

/** What has a place of its own in the reference: exports, and the members of classes and interfaces. */
const isPublic = (reflection: DeclarationReflection): boolean =>
  (reflection.kindOf(kinds.Module) ||
    reflection.parent?.kindOf([kinds.Module, kinds.Namespace, kinds.Class, kinds.Interface]) === true) &&
  !reflection.flags.isPrivate &&
  !reflection.kindOf([kinds.Reference, kinds.TypeLiteral]) &&
  !/^(#|\[|~)/.test(reflection.name) &&
  !isInternal(reflection)

/** Members of a service: the type that `Context.Service` is given. */
const shapeOf = (type: SomeType): DeclarationReflection | undefined => {
  if (type.type !== "reference" || type.name !== "Shape") return undefined
  const shape = type.typeArguments?.[1]
  return shape?.type === "reflection" ? shape.declaration : undefined
}

const ofKind = (project: ProjectReflection, kind: ReflectionKind): ReadonlyArray<DeclarationReflection> =>
  project.getReflectionsByKind(kind).filter((reflection) => reflection instanceof DeclarationReflection)

/** Unions inside of angle brackets stay on their line: broken ones are hard to read, and end in spaces. */
const joinUnions = (markdown: string): string =>
  markdown.replace(
    /([<,]) *((?:\n *\\?\| [^\n{}]+)+)/g,
    (_, before: string, union: string) =>
      `${before}${before === "," ? " " : ""}${
        union.trimStart().replace(/^\\?\| /, "").replace(/\n *(\\?)\| /g, " $1| ")
      }`
  )

/** Nearly everything is stable and there since the first release: only what is not says so. */
const usual: ReadonlyMap<string, string> = new Map([["@since", "0.1.0"], ["@stability", "stable"]])

const hideUsual = (comment: Comment) => {
  comment.blockTags = comment.blockTags.filter(({ content, tag }) =>
    content.map(({ text }) => text).join("").trim() !== usual.get(tag)
  )
}

/** Entries are named as they are imported. */
const nameModule = (reflection: DeclarationReflection) => {
  if (!reflection.kindOf(kinds.Module)) return
  reflection.name = reflection.name === "index" ? "effect-fly-tokens" : `effect-fly-tokens/${reflection.name}`
}

const headOf = (file: string): string | undefined =>
  /\/\*\*\n([\s\S]*?)\n \*\//.exec(readFileSync(file, "utf8"))?.[1]
    ?.split("\n").map((line) => line.replace(/^ \* ?/, "")).join("\n")

/** The tags of a file hold for those of its exports that have none of their own. */
const shareTags = (context: Context, reflection: DeclarationReflection) => {
  const file = context.getSymbolFromReflection(reflection)?.declarations?.[0]?.getSourceFile()
  const head = file === undefined ? undefined : headOf(file.fileName)
  const [comment] = commentsOf(reflection)
  if (head === undefined || comment === undefined) return
  for (const tag of required) {
    const [, text] = new RegExp(`^${tag} (.+)$`, "m").exec(head) ?? []
    if (text !== undefined && comment.getTag(tag) === undefined) {
      comment.blockTags.push(new CommentTag(tag, [{ kind: "text", text }]))
    }
  }
}

/** The first comment of a file is about the file. */
const describeModule = (context: Context, reflection: DeclarationReflection) => {
  if (!reflection.kindOf([kinds.Module, kinds.Namespace])) return
  const file = context.getSymbolFromReflection(reflection)?.declarations?.find(ts.isSourceFile)
  if (file === undefined) return
  const text = headOf(file.fileName)?.replace(/^@.*$/gm, "").trim()
  if (text === undefined) return
  const source = new MinimalSourceFile(text, normalizePath(file.fileName))
  reflection.comment = new Comment(context.converter.parseRawComment(source, context.project.files).content)
  if (reflection.kindOf(kinds.Namespace)) {
    reflection.comment.blockTags.push(new CommentTag("@category", [{ kind: "text", text: "modules" }]))
  }
}

export const load = (app: Application): void => {
  app.converter.on(Converter.EVENT_CREATE_DECLARATION, (context, reflection) => {
    describeModule(context, reflection)
    nameModule(reflection)
  })
  app.renderer.on(PageEvent.END, (page) => {
    if (page.contents !== undefined) page.contents = joinUnions(page.contents)
  })

  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, (context) => {
    const { project } = context
    for (const reflection of ofKind(project, kinds.Class)) {
      for (const type of reflection.extendedTypes ?? []) {
        const shape = shapeOf(type)
        for (const member of shape?.children ?? []) {
          member.parent = reflection
          reflection.addChild(member)
        }
        if (shape !== undefined) delete shape.children
      }
      for (const member of reflection.children ?? []) {
        // A default that is a schema says less than the type.
        delete member.defaultValue
        // Services are made by layers, errors by what fails.
        if (member.kindOf(kinds.Constructor) && reflection.extendedTypes !== undefined) project.removeReflection(member)
      }
    }
    for (const reflection of ofKind(project, kinds.All)) {
      if (!isPublic(reflection)) continue
      if (reflection.parent?.kindOf([kinds.Module, kinds.Namespace]) === true) shareTags(context, reflection)
      for (const missing of complaints(context, reflection)) {
        app.logger.warn(`${reflection.getFullName()} lacks ${missing}`)
      }
    }
  }, 1_000)

  app.converter.on(Converter.EVENT_RESOLVE_END, ({ project }) => {
    for (const reflection of ofKind(project, kinds.All)) {
      for (const comment of commentsOf(reflection)) hideUsual(comment)
    }
    for (const reflection of ofKind(project, kinds.Class)) {
      reflection.extendedTypes = (reflection.extendedTypes ?? []).filter((type) =>
        type.type === "reference" && shapeOf(type) === undefined
      )
      delete reflection.typeHierarchy
      for (const member of reflection.children ?? []) {
        for (const each of [member, ...member.signatures ?? [], member.getSignature]) {
          delete each?.inheritedFrom
          delete each?.overwrites
        }
      }
    }
  }, -1_000)
}
