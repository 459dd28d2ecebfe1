// What the pages of widgets ask of the graph.

const WIDGET = "fragment Look on Widget { id key name settings team { id name } installedAt updatedAt }";
const TEAM = `fragment Group on Team {
  id name routing reassignAfterSeconds waitingCount members { user { id name email } agent { load capacity } }
}`;

export const PLACE = `query Widgets {
  widgets { ...Look } domains { id name createdAt carriesWidgets } teams { ...Group } agents { user { id name email } }
} ${WIDGET} ${TEAM}`;
export const ONE = `query Widget($id: ID!) { widget(id: $id) { ...Look } teams { id name } } ${WIDGET}`;
export const TEAMS = "query Teams { teams { id name } }";
export const SECRET = "query Secret { identitySecret }";

const changing = (name, what) =>
  `mutation Change($input: ${name[0].toUpperCase()}${name.slice(1)}Input!) { ${name}(input: $input) { ${what} } }`;

export const CREATE_WIDGET = changing("createWidget", "widget { id key }");
export const UPDATE_WIDGET = changing("updateWidget", "widget { id }");
export const DELETE_WIDGET = changing("deleteWidget", "__typename");
export const ADD_DOMAIN = changing("addDomain", "__typename");
export const REMOVE_DOMAIN = changing("removeDomain", "__typename");
export const CREATE_TEAM = changing("createTeam", "__typename");
export const UPDATE_TEAM = changing("updateTeam", "__typename");
export const DELETE_TEAM = changing("deleteTeam", "__typename");
export const ROTATE_SECRET = "mutation Rotate { rotateIdentitySecret { secret } }";
