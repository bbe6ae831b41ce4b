/** A regular expression that matches this text and nothing else (RegExp.escape is not in every Node we run on). */
export const literal = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
