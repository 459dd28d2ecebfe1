// Everything that the widget asks of the graph.

const CONVERSATION = `fragment Talk on VisitorConversation {
  id status assigneeName queuePosition visitorUnread visitorReadTo agentsReadTo head lastText lastSenderKind
  lastMessageAt csatScore createdAt
}`;

const MESSAGE = `fragment Said on VisitorMessage {
  id seq kind senderKind senderName mine text html data clientId createdAt editedAt deletedAt
  files { id name size mimeType width height }
}`;

const SESSION = `fragment Me on VisitorSession {
  id name email identified snapshotCursor
  conversations(first: 12) {
    nodes { ...Talk messages(first: 25) { nodes { ...Said } pageInfo { hasNextPage endCursor } } }
  }
}
${CONVERSATION}
${MESSAGE}`;

export const OPEN = `mutation($input: OpenWidgetInput!) {
  openWidget(input: $input) { token expiresAt widget isOpen opensAt session { ...Me } }
}
${SESSION}`;

export const LOAD = `{ visitorSession { ...Me } }
${SESSION}`;

export const IDENTIFY = `mutation($input: IdentifyVisitorInput!) {
  identifyVisitor(input: $input) { session { ...Me } }
}
${SESSION}`;

export const SEND = `mutation($input: SendVisitorMessageInput!) {
  sendVisitorMessage(input: $input) { message { ...Said } conversation { ...Talk } }
}
${CONVERSATION}
${MESSAGE}`;

export const MARK = `mutation($input: MarkVisitorReadInput!) {
  markVisitorRead(input: $input) { conversation { ...Talk } }
}
${CONVERSATION}`;

export const RATE = `mutation($input: RateConversationInput!) {
  rateConversation(input: $input) { conversation { ...Talk } }
}
${CONVERSATION}`;

export const SEE = "mutation($input: SeePageInput!) { seePage(input: $input) { __typename } }";

export const TYPE = "mutation($input: SetTypingInput!) { setTyping(input: $input) { __typename } }";

export const LINKS = "query($ids: [ID!]!) { fileLinks(ids: $ids) { fileId url expiresAt } }";

export const FOLLOW = `subscription($after: String) {
  visitorConversation(after: $after) {
    __typename
    ... on FeedItem { cursor }
    ... on VisitorConversationChange { change data conversation { ...Talk } message { ...Said } }
  }
}
${CONVERSATION}
${MESSAGE}`;

export const TYPING = `subscription($id: ID!) {
  typing(conversationId: $id) { kind name typing }
}`;

export const OLDER = `query($id: ID!, $after: String) {
  visitorConversation(id: $id) {
    messages(first: 40, after: $after) { nodes { ...Said } pageInfo { hasNextPage endCursor } }
  }
}
${MESSAGE}`;
