/** Largest header block of a request or an answer, of whichever app; tokens of service accounts are long. */
export const maxHeaderBytes: number = 64 * 1024;
