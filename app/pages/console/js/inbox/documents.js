// What the inbox asks of the graph. A conversation is opened with one question, the person beside it included.

export const ROW = `fragment Row on Conversation {
  id status snoozedUntil priority subject lastText lastSenderKind lastMessageAt waitingSince agentsUnread queuedAt head
  csatScore activeAt createdAt updatedAt closedAt
  tags { name } assignee { id name } team { id name } widget { id }
  visitor { id name email } customer { id externalId email phone attributes }
}`;
const DETAIL = `fragment Detail on Conversation {
  ...Row
  locale routing queuePosition assignedAt agentsReadTo visitorReadTo visitorDeliveredTo firstReplyAt csatComment csatAt
  widget { id name }
}`;
export const LINE = `fragment Line on Message {
  id seq kind senderKind senderName sender { id } text html data clientId createdAt editedAt deletedAt
  files { id name size mimeType width height }
}`;
const EARLIER = `fragment Earlier on ConversationConnection {
  totalCount nodes { id status subject lastText activeAt csatScore }
}`;
const PERSON = `fragment Person on Conversation {
  id
  customer {
    id externalId email phone attributes timezone locale createdAt
    segments(first: 12) { totalCount nodes { id name } }
    events(first: 6) { nodes { id name properties occurredAt } }
    conversations(first: 6) { ...Earlier }
  }
  visitor {
    id name email locale timezone userAgent referrer pageUrl pageTitle pageCount provenId createdAt seenAt
    pages { url title seenAt }
    conversations(first: 6) { ...Earlier }
  }
} ${EARLIER}`;
const COLLEAGUE = "fragment Colleague on Agent { user { id name email } availability capacity seenAt load }";
const COUNTED = ["mine", "unassigned", "all", "waiting", "snoozed", "closed"];

/** The question for the numbers beside the views; its variables are the filters by name. */
export const COUNTS = `query Counts(${COUNTED.map((name) => `$${name}: ConversationFilter`).join(", ")}) {
  ${COUNTED.map((name) => `${name}: conversations(filter: $${name}, first: 0) { totalCount }`).join("\n")}
  agents { ...Colleague }
  teams { id name routing waitingCount }
} ${COLLEAGUE}`;
export const DESK = `query Desk {
  agents { ...Colleague }
  teams { id name routing waitingCount }
  savedViews { id name filter shared }
} ${COLLEAGUE}`;
export const LIST = `query List($filter: ConversationFilter, $order: ConversationOrder, $first: Int, $after: String) {
  inboxSnapshotCursor
  conversations(filter: $filter, orderBy: $order, first: $first, after: $after) {
    totalCount pageInfo { endCursor hasNextPage } nodes { ...Row }
  }
} ${ROW}`;
export const OPEN = `query Open($id: ID!) {
  conversation(id: $id) {
    ...Detail ...Person snapshotCursor
    messages(first: 40) { nodes { ...Line } pageInfo { endCursor hasNextPage } }
  }
} ${ROW} ${DETAIL} ${LINE} ${PERSON}`;
export const REVISIONS = `query Revisions($id: ID!) {
  node(id: $id) { ... on Message { revisions { action text changedAt changedByKind changedBy { name } } } }
}`;
export const PEOPLE = `query Person($id: ID!) {
  conversation(id: $id) { ...Person }
} ${PERSON}`;
export const OLDER = `query Older($id: ID!, $after: String) {
  conversation(id: $id) { messages(first: 60, after: $after) { nodes { ...Line } pageInfo { endCursor hasNextPage } } }
} ${LINE}`;

export const INBOX = `subscription Inbox($after: String) {
  inbox(after: $after) {
    __typename
    ... on FeedItem { cursor }
    ... on ConversationChange { change data conversation { ...Row } }
    ... on FeedGap { reason }
  }
} ${ROW}`;
export const CONVERSATION = `subscription Conversation($conversationId: ID!, $after: String) {
  conversation(conversationId: $conversationId, after: $after) {
    __typename
    ... on FeedItem { cursor }
    ... on ConversationChange { change data conversation { ...Detail } message { ...Line } }
    ... on FeedGap { reason }
  }
} ${ROW} ${DETAIL} ${LINE}`;
export const TYPING = `subscription Typing($conversationId: ID!) {
  typing(conversationId: $conversationId) { conversationId kind name typing }
}`;
export const PRESENCE = "subscription Presence { presence { kind id present } }";

const changing = (name, what = "conversation { ...Detail }") =>
  `mutation ${name[0].toUpperCase()}${name.slice(1)}($input: ${name[0].toUpperCase()}${name.slice(1)}Input!) {
  ${name}(input: $input) { ${what} }
}`;
const detailed = (name) => `${changing(name)} ${ROW} ${DETAIL}`;

export const SEND = `${changing("sendMessage", "message { ...Line }")} ${LINE}`;
export const NOTE = `${changing("addNote", "message { ...Line }")} ${LINE}`;
export const EDIT = `${changing("editMessage", "message { ...Line }")} ${LINE}`;
export const DELETE = `${changing("deleteMessage", "message { ...Line }")} ${LINE}`;
export const START = changing("startConversation", "conversation { id }");
export const READ = changing("markConversationRead", "conversation { id agentsReadTo agentsUnread }");
export const UPDATE = detailed("updateConversation");
export const ASSIGN = detailed("assignConversation");
export const CLOSE = detailed("closeConversation");
export const UPDATE_MANY = `${changing("updateConversations", "conversations { ...Row }")} ${ROW}`;
export const TRANSCRIPT = changing("mailTranscript", "__typename");
export const AVAILABILITY = changing("setAvailability", "agent { user { id } availability capacity load }");
export const SET_TYPING = changing("setTyping", "__typename");
export const SAVE_VIEW = changing("createSavedView", "savedView { id name filter shared }");
export const DELETE_VIEW = changing("deleteSavedView", "__typename");
export const CANNED = `query Canned { cannedResponses { id shortcut title texts } }`;
export const RENDER = `query Render($id: ID!, $conversationId: ID!, $language: String) {
  renderCannedResponse(cannedResponseId: $id, conversationId: $conversationId, language: $language)
}`;
export const LINKS = "query Links($ids: [ID!]!) { fileLinks(ids: $ids) { fileId url expiresAt } }";
