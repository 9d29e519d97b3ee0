/** Tokens, as OpenAI counts them; `totalTokens` = `inputTokens` + `outputTokens`. */
export interface Usage {
  totalTokens: number;
  inputTokens: number;
  outputTokens: number;
  inputTokensDetails?: TokensDetails;
  outputTokensDetails?: TokensDetails;
}

export interface TokensDetails {
  textTokens: number;
  imageTokens: number;
}
