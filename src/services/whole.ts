/**
 * A program for `sed -E` that passes SQL on, and fails where its dump tool wrote a first line and not the last one:
 * what was cut off between two statements is no error to the server. SQL of other origin has neither.
 */
export const wholeDump = (first: string, last: string): string => `/^-- ${first}/h
/^-- ${last}/{ x; s/.*//; x; }
\${ x; /./{ s/.*/it was cut off: its last line is missing/; w /dev/stderr
Q 1
}; x; }`
